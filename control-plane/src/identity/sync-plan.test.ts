import { UserId } from '@drover/shared/model/id';
import { describe, expect, it } from 'vitest';
import type { LdapPerson } from './ldap.ts';
import { isSuspicious, planSync, type TiedUser } from './sync-plan.ts';

const idOf = (name: string): UserId => UserId.parse(`user_${name.padEnd(20, '0')}`);
const person = (name: string, groups: readonly string[] | null = []): LdapPerson => ({
  dn: `uid=${name},dc=x`,
  subject: `s-${name}`,
  name,
  groups,
});
const tied = (name: string, more: Partial<TiedUser> = {}): TiedUser => ({
  userId: idOf(name),
  userName: name,
  subject: `s-${name}`,
  groups: [],
  isDisabled: false,
  disabledBecause: null,
  ...more,
});
const plan = (
  people: readonly LdapPerson[],
  known: readonly TiedUser[],
  more: { autocreate?: boolean; takenNames?: string[]; groupMapping?: Record<string, string> } = {},
) =>
  planSync({
    directory: 'corp',
    autocreate: more.autocreate ?? true,
    groupMapping: more.groupMapping ?? {},
    people,
    tied: known,
    takenNames: new Set(more.takenNames ?? []),
  });

describe('a sync', () => {
  it('adds whom it does not know, under a name that nobody has', () => {
    const { add, left } = plan([person('anna', ['Staff']), person('Owner'), person('4711')], [], { takenNames: ['owner'] });
    expect(add).toEqual([
      { name: 'anna', subject: 's-anna', groups: ['staff'] },
      { name: 'owner-corp', subject: 's-Owner', groups: [] },
    ]);
    expect(left).toEqual([{ name: '4711', why: 'nothing of this can be a name here' }]);
  });

  it('adds nobody where that is not wished', () => {
    expect(plan([person('anna')], [], { autocreate: false })).toMatchObject({ add: [], left: [{ name: 'anna' }] });
  });

  it('disables who vanished, once, and removes nobody', () => {
    const gone = tied('cleo', { isDisabled: true, disabledBecause: 'gone from the directory corp' });
    expect(plan([person('anna')], [tied('anna'), tied('ben'), gone])).toEqual({
      add: [],
      change: [],
      disable: [{ userId: idOf('ben'), name: 'ben' }],
      unchanged: 2,
      left: [],
    });
  });

  it('enables who is back, but not whom an owner has disabled', () => {
    const back = tied('anna', { isDisabled: true, disabledBecause: 'gone from the directory corp' });
    const barred = tied('ben', { isDisabled: true, disabledBecause: 'left in anger' });
    expect(plan([person('anna'), person('ben')], [back, barred]).change).toMatchObject([{ name: 'anna', enable: true, what: 'enabled' }]);
  });

  it('says which groups change; a directory without groups leaves them', () => {
    const known = [tied('anna', { groups: ['staff'] })];
    expect(plan([person('anna', ['Admins', 'Staff'])], known).change).toMatchObject([
      { what: 'groups: admins, staff', groups: ['admins', 'staff'] },
    ]);
    expect(plan([person('anna', ['Admins'])], known, { groupMapping: { Admins: 'staff' } }).change).toEqual([]);
    expect(plan([person('anna', null)], known).change).toEqual([]);
  });

  it('takes a person whom the directory shows twice once', () => {
    expect(plan([person('anna'), person('anna')], []).add.length).toBe(1);
  });

  it('that would disable all, or most of many, is suspicious', () => {
    const all = ['a', 'b', 'c', 'd', 'e'].map((name) => tied(`x${name}`));
    const shown = (count: number) => all.slice(0, count).map(({ userName }) => person(userName));
    expect(isSuspicious(plan([], all), all)).toBe(true);
    expect(isSuspicious(plan(shown(2), all), all)).toBe(true);
    expect(isSuspicious(plan(shown(3), all), all)).toBe(false);
    expect(isSuspicious(plan(shown(5), all), all)).toBe(false);
  });
});
