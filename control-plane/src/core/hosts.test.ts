import { describe, expect, it } from 'vitest';
import { aGuest, aHost, anAsk, aTask, HOST_ID, NOW_MS, refusalOf, someSettings } from '../../../test/control-plane/held.ts';
import { freeSubnet } from './fabric.ts';
import { editHost, enrolHost, forgetHost, freeName } from './hosts.ts';
import type { EnrolmentDecisionView, HostDecisionView } from './views.ts';

const enrolment = { tokenHash: 'h', name: null, createdBy: 'anna', expiresAtMs: NOW_MS + 1, usedByHostId: null };
const view = (over: Partial<EnrolmentDecisionView> = {}): EnrolmentDecisionView => ({
  enrolment,
  existing: null,
  cell: 'main',
  forgotten: null,
  namesTaken: new Set(),
  ...over,
});
const input = { hostId: HOST_ID, publicKey: aHost().publicKey, hostname: 'Fra_H03.example.org' };

describe('enrolling a host', () => {
  it('uses the token up and makes the host, named as it calls itself', () => {
    const { change, answer } = enrolHost(view(), input, NOW_MS);
    expect(answer).toEqual({ hostId: HOST_ID, name: 'fra-h03' });
    expect(change).toMatchObject({ newHosts: [{ id: HOST_ID, cell: 'main' }], usedEnrolments: [{ tokenHash: 'h', hostId: HOST_ID }] });
  });

  it('again with the same key and token gives the same answer and writes nothing', () => {
    const { change, answer } = enrolHost(view({ enrolment: { ...enrolment, usedByHostId: HOST_ID }, existing: aHost() }), input, NOW_MS);
    expect(answer).toEqual({ hostId: HOST_ID, name: 'h1' });
    expect(change).toEqual({ by: 'anna', atMs: NOW_MS });
  });

  it('is refused for tokens that are unknown, old, or another host’s', () => {
    const other = 'host_ffffffffffffffffffff' as never;
    expect(refusalOf(() => enrolHost(view({ enrolment: null }), input, NOW_MS))).toMatchObject({ code: 'not-allowed' });
    expect(refusalOf(() => enrolHost(view({ enrolment: { ...enrolment, expiresAtMs: NOW_MS } }), input, NOW_MS))).toMatchObject({
      code: 'gone',
    });
    expect(refusalOf(() => enrolHost(view({ enrolment: { ...enrolment, usedByHostId: other } }), input, NOW_MS))).toMatchObject({
      code: 'gone',
    });
    expect(refusalOf(() => enrolHost(view({ enrolment: { ...enrolment, usedByHostId: HOST_ID } }), input, NOW_MS))).toMatchObject({
      code: 'gone',
    });
  });
});

describe('editing a host', () => {
  const onHost = (over: Partial<HostDecisionView> = {}): HostDecisionView => ({
    host: aHost(),
    inventory: null,
    resources: [],
    tasks: [],
    nameTaken: false,
    ...over,
  });
  const wishesOf = (...[seen, given]: [HostDecisionView, Parameters<typeof editHost>[1]]) => editHost(seen, given, anAsk()).change.wishes;

  it('begins its settings with the first that is set, and leaves out what is the default anyway', () => {
    const spec = { tags: ['edge'], location: 'rack 4' };
    expect(wishesOf(onHost(), { tags: ['edge', 'edge'], location: 'rack 4', notes: '', startDelayS: 0, maintenance: false })).toEqual([
      { kind: 'host', id: HOST_ID, hostId: HOST_ID, generation: 1, spec, deletion: null },
    ]);
  });

  it('changes what is named, and leaves the rest', () => {
    const seen = onHost({ resources: [aGuest(), someSettings({ tags: ['edge'], notes: 'loud' }, { generation: 4 })] });
    expect(wishesOf(seen, { tags: [], startDelayS: 30 })).toMatchObject([{ generation: 5, spec: { notes: 'loud', startDelayS: 30 } }]);
    expect(wishesOf(seen, { tags: [] })?.[0]?.spec).toEqual({ notes: 'loud' });
  });

  it('that comes to the same wishes nothing: a host without settings gets none by a change of its name', () => {
    expect(wishesOf(onHost(), { tags: [], notes: '' })).toBeUndefined();
    const { change } = editHost(onHost(), { name: 'fra-1' }, anAsk());
    expect(change).toMatchObject({ renamedHosts: [{ id: HOST_ID, name: 'fra-1' }], events: [{ kind: 'host', id: HOST_ID }] });
    expect(change.wishes).toBeUndefined();
    expect(wishesOf(onHost({ resources: [someSettings({ tags: ['edge'] })] }), { tags: ['edge'] })).toBeUndefined();
  });
});

it('a free name keeps to the rules for names and is nobody else’s', () => {
  expect([
    freeName('vm', new Set(['vm', 'vm-2'])),
    freeName('-Ä-', new Set()),
    freeName('12345', new Set()),
    freeName('x'.repeat(90), new Set()).length,
  ]).toEqual(['vm-3', 'host', 'host-12345', 50]);
});

it('forgetting a host removes what it had here and ends its tasks, and wishes nothing of the host', () => {
  const { change } = forgetHost({ host: aHost(), inventory: null, resources: [aGuest()], tasks: [aTask()], nameTaken: false }, anAsk());
  expect(change).toMatchObject({
    removals: [{ kind: 'guest', id: '100' }],
    forgottenHosts: [HOST_ID],
    taskUpdates: [{ state: 'cancelled', problem: { code: 'gone' } }],
  });
  expect(change.wishes).toBeUndefined();
});

describe('the subnet of a NAT network', () => {
  const cases: [string, string[], string][] = [
    ['is the first when nothing is in its way', ['default', '0.0.0.0/0', 'fe80::/64', 'nonsense'], '10.86.0.0/24'],
    ['steps over single networks', ['10.86.0.0/24', '10.86.1.128/25'], '10.86.2.0/24'],
    ['steps over larger ones', ['10.86.0.0/22'], '10.86.4.0/24'],
    ['steps over a single address', ['10.86.0.7'], '10.86.1.0/24'],
    ['is the first when there is no way around', ['10.0.0.0/8'], '10.86.0.0/24'],
  ];
  for (const [what, routes, expected] of cases) it(what, () => expect(freeSubnet(routes)).toBe(expected));
});
