import { DrizzleQueryError } from 'drizzle-orm';
import { expect, it } from 'vitest';
import { traceOf } from './log.ts';

it('an error of the database is told without the values that it was about', () => {
  const thrown = new DrizzleQueryError('insert into totp values (?, ?)', ['user_1', 'a secret\nof two lines'], new Error('disk I/O error'));
  expect(thrown.stack).toContain('a secret');
  expect(traceOf(thrown)).toMatch(/insert into totp[\s\S]*params: not shown\n +at /);
  expect(traceOf(thrown)).not.toMatch(/a secret|of two lines/);
  expect(traceOf(new Error('plain'))).toMatch(/^Error: plain\n +at /);
  expect(traceOf('words')).toBe('words');
});
