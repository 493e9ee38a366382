import type { EditGuest } from '@drover/shared/api/requests';
import { GiB, MiB, SHUTDOWN_TIMEOUT_S } from '@drover/shared/model/guest';
import { describe, expect, it } from 'vitest';
import {
  aCandidate,
  aContainer,
  aGuest,
  aHost,
  anAsk,
  anImage,
  anInventory,
  aRunningGuest,
  aStatus,
  aTask,
  HOST_ID,
  IMAGE_ID,
  NEW_IMAGE_ID,
  NOW_MS,
  onGuest,
  refusalOf,
  someSettings,
  wishOf,
} from '../../../test/control-plane/held.ts';
import { createGuest, editGuest, removeGuest, setPower } from './guests.ts';
import type { CreateGuestView } from './views.ts';

const view = (over: Partial<CreateGuestView> = {}): CreateGuestView => ({
  nextGuestId: 107,
  nameTaken: false,
  rooms: [],
  candidates: [aCandidate()],
  ...over,
});
const container = { type: 'container', name: 'web', image: 'mine' } as const;

describe('creating a guest', () => {
  it('fills in what was left out, and writes the guest with the task that waits for it', () => {
    const { change, answer } = createGuest(view(), { ...container, start: true }, anAsk());
    expect(change.wishes).toEqual([
      {
        kind: 'guest',
        id: '107',
        hostId: aHost().id,
        generation: 1,
        deletion: null,
        spec: aContainer({
          power: 'running',
          powerRequest: 1,
          nics: [{ name: 'net0', networkId: expect.anything(), mac: '52:54:01:00:00:6b' }],
        }),
      },
    ]);
    expect(change.newTasks).toMatchObject([
      {
        title: 'create guest web',
        purpose: 'create',
        state: 'queued',
        spec: { do: 'apply', generation: 1, target: { kind: 'guest', id: '107' } },
        image: null,
      },
    ]);
    expect(answer.ref).toEqual({ kind: 'guest', id: '107' });
    // The image may not vanish between the decision and its being written.
    expect(change.restsOn).toContainEqual({ kind: 'image', id: IMAGE_ID, generation: 1 });
  });

  it('of a VM without an image has an empty disk, UEFI, and no process limit of containers', () => {
    const { change } = createGuest(view(), { type: 'vm', name: 'db' }, anAsk());
    expect(change.wishes?.[0]?.spec).toMatchObject({
      type: 'vm',
      memoryBytes: 1 * GiB,
      firmware: 'uefi',
      cdromImageId: null,
      disks: [{ imageId: null, sizeBytes: 10 * GiB }],
    });
    expect(change.wishes?.[0]?.spec).not.toHaveProperty('processesMax');
  });

  it('from the catalogue fetches an image that is not there, as part of the same change and task', () => {
    const { change } = createGuest(view(), { ...container, image: 'debian-13' }, anAsk());
    expect(change.wishes?.map(({ kind, id }) => [kind, id])).toEqual([
      ['guest', '107'],
      ['image', NEW_IMAGE_ID],
    ]);
    expect(change.newTasks?.[0]?.image).toEqual({ id: NEW_IMAGE_ID, made: true });
    expect(wishOf({ change, answer: null }, 'guest')?.spec).toMatchObject({ disks: [{ imageId: NEW_IMAGE_ID }] });
  });

  it('tries an image again that its host had given up on', () => {
    const failed = anImage({ status: aStatus('image', IMAGE_ID, 1, { condition: 'needs-attention' }) });
    const { change } = createGuest(view({ candidates: [aCandidate({ images: [failed] })] }), container, anAsk());
    expect(wishOf({ change, answer: null }, 'image')).toMatchObject({ id: IMAGE_ID, generation: 2, spec: failed.spec });
    expect(change.newTasks?.[0]?.image).toEqual({ id: IMAGE_ID, made: false });
  });

  const vmImage = anImage({
    spec: { ...anImage().spec, form: 'vm', name: 'disk' },
    status: aStatus('image', IMAGE_ID, 1, { observed: { ready: true, virtualSizeBytes: 20 * GiB } }),
  });
  it('takes a disk that is as large as its image needs, and refuses a smaller one', () => {
    const candidates = [aCandidate({ images: [vmImage] })];
    const { change } = createGuest(view({ candidates }), { type: 'vm', name: 'db', image: 'disk' }, anAsk());
    expect(change.wishes?.[0]?.spec).toMatchObject({ disks: [{ sizeBytes: 20 * GiB }] });
    expect(
      refusalOf(() => createGuest(view({ candidates }), { type: 'vm', name: 'db', image: 'disk', diskBytes: 5 * GiB }, anAsk())),
    ).toMatchObject({
      code: 'bad-request',
      field: 'diskBytes',
    });
  });

  it('is wished on the host that was named, though that is away: it is made when the host is back', () => {
    const away = aCandidate({ host: aHost({ connected: false }) });
    const { change } = createGuest(view({ candidates: [away] }), { ...container, host: 'h1' }, anAsk());
    expect(change.wishes).toMatchObject([{ kind: 'guest', hostId: HOST_ID, generation: 1 }]);
    expect(change.newTasks).toMatchObject([{ state: 'queued', deadlineAtMs: null }]);
  });

  const refusals: [string, Partial<CreateGuestView>, object, { code: string; field?: string; text?: RegExp }][] = [
    ['a name that is taken', { nameTaken: true }, {}, { code: 'name-taken', field: 'name' }],
    ['an unknown image, with names like it', {}, { image: 'debian-14' }, { code: 'not-found', field: 'image', text: /debian-13/ }],
    [
      'an image of another form',
      { candidates: [aCandidate({ images: [vmImage] })] },
      { image: 'disk' },
      { code: 'bad-request', field: 'image', text: /VM image/ },
    ],
    [
      'an image that is being deleted',
      { candidates: [aCandidate({ images: [anImage({ deletion: { requestedAtMs: 1, destroys: ['files'] } })] })] },
      {},
      { code: 'wrong-state', field: 'image' },
    ],
    ['a fleet without hosts', { candidates: [] }, {}, { code: 'no-host' }],
    [
      'a fleet that is away, when no host is named',
      { candidates: [aCandidate({ host: aHost({ connected: false }) })] },
      {},
      { code: 'no-host', text: /h1: it is away/ },
    ],
    [
      'a host that was cut off',
      { candidates: [aCandidate({ host: aHost({ connected: false, revokedAtMs: 1 }) })] },
      { host: 'h1' },
      { code: 'no-host', field: 'host', text: /cut off/ },
    ],
    [
      'a host that has never said what it has',
      { candidates: [aCandidate({ host: aHost({ connected: false }), inventory: null })] },
      { host: 'h1' },
      { code: 'no-host', field: 'host', text: /not introduced itself/ },
    ],
    ['more memory than any host has', {}, { memoryBytes: 64 * GiB }, { code: 'no-host', text: /16384 MiB/ }],
    [
      'a type whose driver does not work there',
      {
        candidates: [
          aCandidate({
            inventory: anInventory({
              drivers: [
                { port: 'guest', name: 'one', title: 'One', usable: false, reason: 'no cgroups', capabilities: { type: 'container' } },
              ],
            }),
          }),
        ],
      },
      {},
      { code: 'no-host', text: /no cgroups/ },
    ],
    [
      'a type that no driver says it runs',
      {
        candidates: [
          aCandidate({
            inventory: anInventory({ drivers: [{ port: 'guest', name: 'one', title: 'One', usable: true, capabilities: {} }] }),
          }),
        ],
      },
      {},
      { code: 'no-host', text: /it runs no containers/ },
    ],
    [
      'a VM on a host whose driver for them does not work',
      {
        candidates: [
          aCandidate({
            inventory: anInventory({
              drivers: [
                { port: 'guest', name: 'one', title: 'One', usable: true, capabilities: { type: 'container' } },
                { port: 'guest', name: 'two', title: 'Two', usable: false, reason: 'not installed', capabilities: { type: 'vm' } },
              ],
            }),
          }),
        ],
      },
      { type: 'vm' },
      { code: 'no-host', text: /Two does not work there: not installed/ },
    ],
    [
      'notes and keys that no message can carry',
      {},
      { sshKeys: Array.from({ length: 12 }, () => `ssh-rsa ${'A'.repeat(8_000)}`) },
      { code: 'too-large', field: 'sshKeys' },
    ],
  ];
  for (const [what, over, input, expected] of refusals) {
    it(`refuses ${what}`, () => {
      const refusal = refusalOf(() => createGuest(view(over), { ...container, ...input }, anAsk()));
      expect(refusal).toMatchObject({ code: expected.code, ...(expected.field ? { field: expected.field } : {}) });
      if (expected.text) expect(refusal.text).toMatch(expected.text);
    });
  }

  it('goes to no host in maintenance by itself, and says so; to one that was named it does', () => {
    const candidates = [aCandidate({ settings: someSettings({ maintenance: true }) })];
    expect(refusalOf(() => createGuest(view({ candidates }), container, anAsk())).text).toContain('h1: it is in maintenance');
    expect(createGuest(view({ candidates }), { ...container, host: 'h1' }, anAsk()).change.wishes).toMatchObject([{ kind: 'guest' }]);
  });

  it('goes to the host with the most memory not yet promised', () => {
    const busy = aCandidate({ promisedMemoryBytes: 15 * GiB });
    const other = aHost({ id: 'host_ffffffffffffffffffff' as never, name: 'h2' });
    const { change } = createGuest(view({ candidates: [busy, aCandidate({ host: other })] }), container, anAsk());
    expect(change.wishes?.[0]?.hostId).toBe(other.id);
  });
});

describe('asking for a power state', () => {
  it('is a new generation and a new request each time somebody asks', () => {
    const { change } = setPower(onGuest(aGuest()), 'running', anAsk());
    expect(change.wishes).toMatchObject([{ generation: 2, spec: { power: 'running', powerRequest: 1 } }]);
    expect(change.newTasks).toMatchObject([{ title: 'start guest web', purpose: 'start', state: 'queued', spec: { generation: 2 } }]);
  });

  it('that holds already writes nothing but a finished task', () => {
    const { change } = setPower(onGuest(aRunningGuest()), 'running', anAsk());
    expect(change.wishes).toBeUndefined();
    expect(change.newTasks).toMatchObject([{ state: 'done', finishedAtMs: NOW_MS }]);
  });

  it('that is under way already waits for the same generation', () => {
    const starting = aRunningGuest({
      appliedGeneration: 1,
      status: aStatus('guest', '100', 2, { applied: 1, condition: 'working', observed: { power: 'stopped' } }),
    });
    const { change } = setPower(onGuest(starting), 'running', anAsk());
    expect(change.wishes).toBeUndefined();
    expect(change.newTasks).toMatchObject([{ state: 'queued', spec: { generation: 2 } }]);
  });

  it('starts a guest again that had powered itself off', () => {
    const off = aRunningGuest({ status: aStatus('guest', '100', 2, { observed: { power: 'stopped', end: 'self' } }) });
    expect(setPower(onGuest(off), 'running', anAsk()).change.wishes).toMatchObject([{ generation: 3, spec: { powerRequest: 2 } }]);
  });

  it('is asked anew of a host that is away, whatever was last seen there', () => {
    const { change } = setPower(onGuest(aRunningGuest(), { host: aHost({ connected: false }) }), 'running', anAsk());
    expect(change.wishes).toMatchObject([{ generation: 3 }]);
  });

  it('to shut down has a deadline, and takes the place of a start that is not done', () => {
    const start = aTask({ purpose: 'start' });
    const create = aTask({ purpose: 'create' });
    const { change } = setPower(onGuest(aRunningGuest({ appliedGeneration: 1 }), { tasks: [start, create] }), 'shutdown', anAsk());
    expect(change.newTasks).toMatchObject([{ deadlineAtMs: NOW_MS + 180_000 }]);
    expect(change.taskUpdates).toMatchObject([{ id: start.id, state: 'cancelled', problem: { detail: 'superseded by a newer wish' } }]);
  });

  it('is refused for a generation that is not the newest', () => {
    expect(refusalOf(() => setPower(onGuest(aRunningGuest()), 'off', anAsk({ ifMatch: 1 })))).toMatchObject({ code: 'stale-generation' });
  });
});

describe('editing a guest', () => {
  it('leaves its power alone, so that a guest that ended by itself stays off', () => {
    const { change } = editGuest(onGuest(aRunningGuest()), { memoryBytes: 256 * MiB, tags: ['a', 'a'] }, anAsk());
    expect(change.wishes).toMatchObject([
      { generation: 3, spec: { memoryBytes: 256 * MiB, tags: ['a'], power: 'running', powerRequest: 1 } },
    ]);
    expect(change.taskUpdates).toEqual([]);
  });

  it('how it starts and ends with its host is wished for only where it is not the default, so that agents of before are not bothered', () => {
    const edited = (input: EditGuest, guest = aGuest()) =>
      editGuest(onGuest(guest), input, anAsk()).change.wishes?.[0]?.spec ?? expect.fail();
    const ordered = { startOrder: 1, startDelayS: 10, shutdownTimeoutS: 120 };
    expect(edited(ordered)).toMatchObject(ordered);
    const defaults = { startOrder: null, startDelayS: 0, shutdownTimeoutS: SHUTDOWN_TIMEOUT_S[aGuest().spec.type] };
    expect(Object.keys(edited({ ...defaults, notes: 'new' })).sort()).toEqual(Object.keys(aGuest().spec).sort());
    const kept = edited({ startOrder: null }, aGuest({ spec: aContainer({ startOrder: 1, startDelayS: 10 }) }));
    expect(kept).not.toHaveProperty('startOrder');
    expect(kept).toMatchObject({ startDelayS: 10 });
  });

  it('that says nothing new writes no generation', () => {
    expect(editGuest(onGuest(aGuest()), { name: 'web' }, anAsk()).change).toMatchObject({
      newTasks: [{ state: 'done' }],
      restsOn: [{ generation: 1 }],
    });
  });

  it('refuses a name that is taken, and settings that its type does not have', () => {
    const vm = aGuest({ spec: { ...aVmSpec } });
    expect(refusalOf(() => editGuest(onGuest(aGuest(), { nameTaken: true }), { name: 'other' }, anAsk()))).toMatchObject({
      code: 'name-taken',
      field: 'name',
    });
    expect(refusalOf(() => editGuest(onGuest(vm), { swapBytes: 1 }, anAsk()))).toMatchObject({ code: 'bad-request', field: 'swapBytes' });
  });
});

const { swapBytes: _swap, processesMax: _processes, unprivileged: _unprivileged, ...common } = aContainer();
const aVmSpec = { ...common, type: 'vm', firmware: 'uefi', cdromImageId: null } as const;

describe('deleting a guest', () => {
  it('is refused while it runs, unless forced', () => {
    expect(refusalOf(() => removeGuest(onGuest(aRunningGuest()), { force: false }, anAsk()))).toMatchObject({
      code: 'wrong-state',
      text: /force=true/,
    });
    expect(removeGuest(onGuest(aRunningGuest()), { force: true }, anAsk()).change.wishes).toMatchObject([
      { generation: 3, spec: { power: 'off' }, deletion: { requestedAtMs: NOW_MS, destroys: ['root'] } },
    ]);
  });

  it('ends what else was awaited of it', () => {
    const { change } = removeGuest(onGuest(aGuest(), { tasks: [aTask(), aTask({ purpose: 'start' })] }), { force: false }, anAsk());
    expect(change.taskUpdates?.map(({ state }) => state)).toEqual(['cancelled', 'cancelled']);
  });

  it('asked for twice waits for the same tombstone', () => {
    const dying = aGuest({ generation: 2, deletion: { requestedAtMs: 1, destroys: ['root'] } });
    const { change } = removeGuest(onGuest(dying), { force: false }, anAsk());
    expect(change.wishes).toBeUndefined();
    expect(change.newTasks).toMatchObject([{ purpose: 'delete', state: 'queued', spec: { generation: 2 } }]);
  });

  it('is the last thing asked of it', () => {
    const dying = aGuest({ generation: 2, deletion: { requestedAtMs: 1, destroys: ['root'] } });
    expect(refusalOf(() => setPower(onGuest(dying), 'running', anAsk()))).toMatchObject({ code: 'gone' });
    expect(refusalOf(() => editGuest(onGuest(dying), { name: 'a' }, anAsk()))).toMatchObject({ code: 'gone' });
  });
});
