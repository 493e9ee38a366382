import { describe, expect, it } from 'vitest';
import { escapeFilterValue } from './ldap.ts';
import { groupsOf, type LdapGroup } from './ldap-groups.ts';

const group = (name: string, ...members: string[]): LdapGroup => ({ dn: `cn=${name},ou=groups,dc=example,dc=org`, name, members });
const dnOf = (name: string) => `CN=${name}, ou=Groups,dc=example,dc=org`;
const ANNA = { dn: 'uid=anna,ou=people,dc=example,dc=org', name: 'anna' };

describe('groups', () => {
  it('are those that list somebody, however the DN is written, or their name', () => {
    const groups = [
      group('a', 'UID=Anna, OU=People,DC=example,DC=org'),
      group('b', 'anna'),
      group('c', 'uid=ben,ou=people,dc=example,dc=org'),
    ];
    expect(groupsOf(ANNA, groups, { nested: false })).toEqual(['a', 'b']);
  });

  it('of groups count only where that is wished', () => {
    const groups = [group('inner', ANNA.dn), group('outer', dnOf('inner')), group('outermost', dnOf('outer'))];
    expect(groupsOf(ANNA, groups, { nested: false })).toEqual(['inner']);
    expect(groupsOf(ANNA, groups, { nested: true })).toEqual(['inner', 'outer', 'outermost']);
  });

  it('that are in one another end, and each counts once', () => {
    const groups = [group('a', ANNA.dn, dnOf('c')), group('b', dnOf('a')), group('c', dnOf('b')), group('self', dnOf('self'), dnOf('a'))];
    expect(groupsOf(ANNA, groups, { nested: true })).toEqual(['a', 'b', 'c', 'self']);
  });

  it('that are in one another without anybody are nobody’s', () => {
    expect(groupsOf(ANNA, [group('a', dnOf('b')), group('b', dnOf('a'))], { nested: true })).toEqual([]);
  });
});

it.each([
  ['anna', 'anna'],
  ['*)(uid=*', '\\2a\\29\\28uid\\3d\\2a'],
  ['a\\b\0c', 'a\\5cb\\00c'],
  ['ö', '\\c3\\b6'],
])('whatever is typed means itself in a filter: %s', (typed, escaped) => {
  expect(escapeFilterValue(typed)).toBe(escaped);
});
