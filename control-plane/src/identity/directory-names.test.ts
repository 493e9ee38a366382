import { describe, expect, it } from 'vitest';
import { freeName, groupsWished, nameFrom } from './directory-names.ts';

it.each([
  ['anna', 'anna'],
  ['Anna.Müller@example.org', 'anna-muller'],
  ['CORP\\ben', 'ben'],
  ['  --', null],
  ['4711', null],
  ['../../etc', 'etc'],
])('%s is called %s', (theirs, ours) => {
  expect(nameFrom(theirs)).toBe(ours);
});

describe('a name that somebody has already', () => {
  it('is never handed out a second time', () => {
    const taken = new Set(['anna', 'anna-corp']);
    expect(freeName('anna', 'corp', (name) => taken.has(name))).toBe('anna-corp-2');
    expect(freeName('ben', 'corp', (name) => taken.has(name))).toBe('ben');
  });
});

it('with a mapping only the groups that it names count', () => {
  expect(groupsWished(['VM Admins', 'Staff', 'constructor'], { 'VM Admins': 'operators', Other: 'x' })).toEqual(['operators']);
  expect(groupsWished(['VM Admins', 'Staff', 'Staff'], {})).toEqual(['staff', 'vm-admins']);
});
