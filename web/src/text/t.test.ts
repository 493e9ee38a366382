import { expect, it } from 'vitest';
import { en } from './en.ts';
import { t } from './t.ts';

it('fills values in, also ones that look like a placeholder', () => {
  expect(t('back.to', { name: '{name}' })).toBe('Back to {name}');
});

it('chooses the form by the count', () => {
  expect([0, 1, 2].map((count) => t('guests.count', { count }))).toEqual(['0 guests', '1 guest', '2 guests']);
});

it('no message is empty, and none has a stray brace', () => {
  const texts: string[] = Object.values(en).flatMap((message) => (typeof message === 'string' ? [message] : [message.one, message.other]));
  expect(texts.filter((text) => text === '' || /[{}]/.test(text.replace(/\{\w+\}/g, '')))).toEqual([]);
});
