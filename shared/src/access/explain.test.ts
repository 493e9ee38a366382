import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sketch } from '../../../test/access/facts.ts';
import { NOW_MS, question } from '../../../test/access/random-facts.ts';
import { heldOn, privilegesAt } from './decide.ts';
import { explain, explainMap } from './explain.ts';
import { MapExplanation, ThingExplanation } from './explanation.ts';
import type { AccessFacts, Principal } from './facts.ts';
import { indexFacts, thingAt } from './index-facts.ts';
import { standingOf } from './standing.ts';
import { trace } from './trace.ts';

const NOW = Date.UTC(2026, 10, 22);

function told(facts: AccessFacts, who: Principal, path: string) {
  const indexed = indexFacts(facts);
  return explain(indexed, who, thingAt(indexed, path), NOW);
}
const ann: Principal = { kind: 'user', id: 'ann' };
const words = (explained: ThingExplanation) => ({
  has: explained.privileges.map(({ privilege, because }) => [privilege, ...because.map(({ sentence }) => sentence)]),
  lacks: explained.withheld.map(({ privilege, because }) => [privilege, ...because.map(({ sentence }) => sentence)]),
});

const roles = { look: ['VM.Audit'], use: ['VM.Audit', 'VM.Console'] };

describe('what gave it', () => {
  it('names the grant, and the pool by which it came', () => {
    const grants = ['group:ops look /', 'user:ann use /pool/shop'];
    const facts = sketch({ users: ['ann'], groups: { ops: ['ann'] }, roles, containers: { '/pool/shop': ['/vms/107'] }, grants });
    expect(words(told(facts, ann, '/vms/107'))).toEqual({
      has: [
        [
          'VM.Audit',
          'The role look for group ops on / (g0) gives VM.Audit.',
          'The role use for user ann on /pool/shop (g1) gives VM.Audit, as /vms/107 is in /pool/shop.',
        ],
        ['VM.Console', 'The role use for user ann on /pool/shop (g1) gives VM.Console, as /vms/107 is in /pool/shop.'],
      ],
      lacks: [],
    });
  });
});

describe('what stood in the way', () => {
  it.each([
    [
      ['user:ann use /vms until 1'],
      'The role use for user ann on /vms (g0) would give VM.Console, but it ended at 1970-01-01T00:00:00.001Z.',
    ],
    [
      ['user:ann use /vms here'],
      'The role use for user ann on /vms (g0) would give VM.Console, but it counts on /vms alone: it is not inherited.',
    ],
    [
      ['user:ann use /vms', 'user:ann look /vms/107'],
      'The role use for user ann on /vms (g0) would give VM.Console, but it is replaced by the role look for user ann on /vms/107 (g1), which is deeper.',
    ],
    [
      ['group:ops use /vms', 'user:ann look /vms'],
      'The role use for group ops on /vms (g0) would give VM.Console, but it is replaced by the role look for user ann on /vms (g1), which is their own and not that of a group.',
    ],
    [
      ['user:ann use /pool/shop', 'user:ann no-access /vms/107'],
      'The role use for user ann on /pool/shop (g0) would give VM.Console, but the role no-access for user ann on /vms/107 (g1) takes everything away.',
    ],
    [
      ['user:ann use /vms', 'user:ann no-access /pool/shop'],
      'The role use for user ann on /vms (g0) would give VM.Console, but the role no-access for user ann on /pool/shop (g1) takes everything away.',
    ],
  ])('%j', (grants, sentence) => {
    const facts = sketch({ users: ['ann'], groups: { ops: ['ann'] }, roles, containers: { '/pool/shop': ['/vms/107'] }, grants });
    expect(words(told(facts, ann, '/vms/107')).lacks.find(([privilege]) => privilege === 'VM.Console')).toEqual(['VM.Console', sentence]);
  });

  it('says which grant takes everything away, also where nothing was given', () => {
    const facts = sketch({ users: ['ann'], containers: { '/tag/x': ['/vms/1'] }, grants: ['user:ann no-access /tag/x'] });
    expect(told(facts, ann, '/vms/1')).toMatchObject({
      privileges: [],
      cancelledBy: [{ sentence: 'The role no-access for user ann on /tag/x (g0) takes everything away, as /vms/1 is in /tag/x.' }],
    });
  });

  it.each([
    ['bob', { because: 'unknown', sentence: 'Nobody knows user bob.' }],
    ['off', { because: 'disabled', sentence: 'User off is disabled, and has nothing until that changes.' }],
    ['old', { because: 'expired', sentence: 'User old has expired, and has nothing any more.' }],
  ])('%s is told why they have nothing anywhere', (id, refused) => {
    const facts = sketch({ users: ['off off', 'old until 5'], grants: ['user:off owner /', 'user:old owner /'] });
    expect(told(facts, { kind: 'user', id }, '/vms/1')).toMatchObject({ refused, privileges: [], withheld: [] });
  });
});

describe('tokens', () => {
  const facts = sketch({
    users: ['ann'],
    roles,
    tokens: ['ci of ann', 'all of ann, as ann', 'lost of nobody'],
    grants: ['user:ann use /vms/1', 'user:ann look /vms/2', 'token:ci use /vms/2', 'token:ci look /vms/1'],
  });
  const ci: Principal = { kind: 'token', id: 'ci' };

  it('one with own grants only is told of both sides, and which of them lacks it', () => {
    const one = told(facts, ci, '/vms/1');
    expect(one.privileges.map(({ privilege, because }) => [privilege, because.map(({ side }) => side)])).toEqual([
      ['VM.Audit', ['own', 'owner']],
    ]);
    expect(one.withheld.map(({ sentence }) => sentence)).toEqual([
      'Token ci does not have VM.Console on /vms/1: its owner has it, and the token has own grants only.',
    ]);
    expect(told(facts, ci, '/vms/2').withheld.map(({ sentence }) => sentence)).toEqual([
      'Token ci does not have VM.Console on /vms/2: its owner lacks it.',
    ]);
  });

  it('one for all that its owner has is told of the owner’s grants', () => {
    const [first] = told(facts, { kind: 'token', id: 'all' }, '/vms/2').privileges;
    expect(first).toMatchObject({ sentence: 'Token all has VM.Audit on /vms/2.', because: [{ side: 'owner' }] });
  });

  it('one whose owner is gone has nothing, and is told so', () =>
    expect(told(facts, { kind: 'token', id: 'lost' }, '/vms/2').refused?.because).toBe('owner-unknown'));
});

it('the map has every path that a grant or a pool names, with the privileges there', () => {
  const facts = sketch({
    users: ['ann'],
    roles,
    containers: { '/pool/shop': ['/vms/107'] },
    grants: ['user:ann look /pool/shop', 'user:bob use /x'],
  });
  const map = explainMap(indexFacts(facts), ann, NOW);
  expect(map.paths).toEqual([
    { path: '/', memberOf: [], privileges: [] },
    { path: '/pool/shop', memberOf: [], privileges: [{ privilege: 'VM.Audit', inherit: true }] },
    { path: '/vms/107', memberOf: ['/pool/shop'], privileges: [{ privilege: 'VM.Audit', inherit: false }] },
    { path: '/x', memberOf: [], privileges: [] },
  ]);
  expect(MapExplanation.parse(map)).toEqual(map);
});

it('in random worlds the explanation never differs from the decision', () => {
  fc.assert(
    fc.property(question, ({ facts, who, thing }) => {
      const indexed = indexFacts(facts);
      const explained = explain(indexed, who, thing, NOW_MS);
      expect(ThingExplanation.parse(explained)).toEqual(explained);
      expect(new Map(explained.privileges.map(({ privilege, inherit }) => [privilege, { inherit }]))).toEqual(
        new Map([...privilegesAt(indexed, who, thing, NOW_MS)].sort()),
      );
      for (const { sentence, because } of explained.privileges) {
        expect(sentence).toContain(' has ');
        expect(because.every(({ effect }) => effect === 'gives')).toBe(true);
      }
      for (const { sentence } of explained.withheld) expect(sentence).toContain(' does not have ');
      const standing = standingOf(indexed, who, NOW_MS);
      if (standing.is === 'refused') return;
      for (const source of standing.sources) {
        const left = trace(indexed, source, thing, NOW_MS).filter(({ fate }) => fate.is === 'gives');
        const held = heldOn(indexed, source, thing, NOW_MS);
        expect(left.map(({ grant }) => grant.id).sort()).toEqual(
          [...held.direct, ...held.contained, ...held.cancelledBy].map(({ id }) => id).sort(),
        );
      }
    }),
    { numRuns: 3_000 },
  );
});
