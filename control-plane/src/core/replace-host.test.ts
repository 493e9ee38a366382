import { HostId, ImageId, NetworkId, StorageId } from '@drover/shared/model/id';
import { describe, expect, it } from 'vitest';
import {
  aContainer,
  aGuest,
  aHost,
  aNetwork,
  anAsk,
  anImage,
  anInventory,
  aRunningGuest,
  aStorage,
  aTask,
  HOST_ID,
  IMAGE_ID,
  NETWORK_ID,
  refusalOf,
  STORAGE_ID,
  someSettings,
} from '../../../test/control-plane/held.ts';
import { replaceHost } from './replace-host.ts';
import type { HostDecisionView } from './views.ts';

const NEW_ID = HostId.parse('host_ffffffffffffffffffff');
const NEW_STORAGE = StorageId.parse('storage_fresh0000000000001');
const NEW_NETWORK = NetworkId.parse('network_fresh0000000000001');
const NEW_IMAGE = ImageId.parse('image_fffffffffffffffffff0');
const SPARE = StorageId.parse('storage_spare0000000000001');

const lost = (over: Partial<HostDecisionView> = {}): HostDecisionView => ({
  host: aHost({ connected: false }),
  inventory: anInventory(),
  resources: [aStorage(), aNetwork(), anImage(), aRunningGuest()],
  tasks: [],
  nameTaken: false,
  ...over,
});
const fresh = (over: Partial<HostDecisionView> = {}): HostDecisionView => ({
  host: aHost({ id: NEW_ID, name: 'h2' }),
  inventory: anInventory(),
  resources: [aStorage({ id: NEW_STORAGE, hostId: NEW_ID }), aNetwork({ id: NEW_NETWORK, hostId: NEW_ID })],
  tasks: [],
  nameTaken: false,
  ...over,
});
const replaced = (old = lost(), by = fresh(), start = false) => replaceHost(old, by, { start }, anAsk());

describe('a host that takes the place of a lost one', () => {
  it('is wished what that one had, under the same ids, on what it has itself; nothing runs unless that was asked for', () => {
    const { change, answer } = replaced();
    const [image, guest, ...others] = change.wishes ?? [];
    expect(others).toEqual([]);
    expect(image).toMatchObject({ kind: 'image', id: IMAGE_ID, hostId: NEW_ID, generation: 2, spec: { storageId: NEW_STORAGE } });
    expect(guest).toMatchObject({
      ...{ kind: 'guest', id: '100', hostId: NEW_ID, generation: 3, deletion: null },
      spec: { power: 'off', powerRequest: 2, disks: [{ storageId: NEW_STORAGE, imageId: IMAGE_ID }], nics: [{ networkId: NEW_NETWORK }] },
    });
    expect(change.observations).toEqual([
      { kind: 'image', id: IMAGE_ID, ackedGeneration: 0, appliedGeneration: 0, status: null },
      { kind: 'guest', id: '100', ackedGeneration: 0, appliedGeneration: 0, status: null },
    ]);
    expect(change.removals).toEqual([
      { kind: 'storage', id: STORAGE_ID },
      { kind: 'network', id: NETWORK_ID },
    ]);
    expect(change.forgottenHosts).toEqual([HOST_ID]);
    expect(answer).toEqual({
      from: { id: HOST_ID, name: 'h1' },
      to: { id: NEW_ID, name: 'h2' },
      guests: [{ id: 100, name: 'web', starts: false, disks: [{ name: 'root', image: 'mine' }] }],
      images: [{ name: 'mine', form: 'container', becomes: 'made-anew' }],
      storages: [{ name: 'local', isThere: true }],
      networks: [{ name: 'default', isThere: true }],
    });
  });

  it('starts those that were wished running, when asked to, and no others', () => {
    const resources = [aStorage(), aNetwork(), anImage(), aRunningGuest(), aGuest({ id: '101', spec: aContainer({ name: 'db' }) })];
    const { change, answer } = replaced(lost({ resources }), fresh(), true);
    const powers = (change.wishes ?? []).flatMap((wish) => (wish.kind === 'guest' ? [[wish.id, wish.spec.power]] : []));
    expect(powers).toEqual([
      ['100', 'running'],
      ['101', 'off'],
    ]);
    expect(answer.guests.map(({ starts }) => starts)).toEqual([true, false]);
  });

  it('gets storages that it does not have, and uses images that it has', () => {
    const spare = aStorage({ id: SPARE, spec: { name: 'spare', driver: 'directory', config: { path: '/spare' } } });
    const there = anImage({ id: NEW_IMAGE, hostId: NEW_ID });
    const { change, answer } = replaced(
      lost({ resources: [...lost().resources, spare] }),
      fresh({ resources: [...fresh().resources, there] }),
    );
    expect(change.wishes).toMatchObject([
      { kind: 'guest', spec: { disks: [{ imageId: NEW_IMAGE }] } },
      { kind: 'storage', id: SPARE, hostId: NEW_ID, generation: 2, spec: spare.spec },
    ]);
    expect(answer.storages).toEqual([
      { name: 'local', isThere: true },
      { name: 'spare', isThere: false },
    ]);
    expect(answer.images).toMatchObject([{ becomes: 'there' }]);
    expect(change.restsOn).toContainEqual({ kind: 'image', id: NEW_IMAGE, generation: 1 });
  });

  it('is told which images have to be sent in again, and which disks begin empty', () => {
    const source = { do: 'upload', uploadId: 'u'.repeat(20), sizeBytes: 1, format: 'tar', sha256: '0'.repeat(64) } as const;
    const uploaded = anImage({ spec: { ...anImage().spec, source } });
    const disks = [{ name: 'root', storageId: STORAGE_ID, sizeBytes: 2 ** 30, imageId: null }];
    const { answer } = replaced(lost({ resources: [aStorage(), aNetwork(), uploaded, aGuest({ spec: aContainer({ disks }) })] }));
    expect(answer.images).toMatchObject([{ becomes: 'upload-again' }]);
    expect(answer.guests).toMatchObject([{ disks: [{ name: 'root', image: null }] }]);
  });

  it('takes over settings that it has not itself, but not that the other was in maintenance', () => {
    const old = lost({ resources: [...lost().resources, someSettings({ tags: ['edge'], location: 'rack 4', maintenance: true })] });
    const by = fresh({ resources: [...fresh().resources, someSettings({ location: 'rack 5' }, { id: NEW_ID, hostId: NEW_ID })] });
    const { change } = replaced(old, by);
    expect(change.wishes?.at(-1)).toMatchObject({ kind: 'host', id: NEW_ID, generation: 2, spec: { tags: ['edge'], location: 'rack 5' } });
    expect(change.removals).toContainEqual({ kind: 'host', id: HOST_ID });
  });

  it('does not bring back what was being deleted, nor what was under way', () => {
    const going = aGuest({ deletion: { requestedAtMs: 1, destroys: ['root'] } });
    const { change, answer } = replaced(lost({ resources: [aStorage(), aNetwork(), going], tasks: [aTask()] }));
    expect(change.wishes).toEqual([]);
    expect(change.removals).toContainEqual({ kind: 'guest', id: '100' });
    expect(change.taskUpdates).toMatchObject([{ state: 'cancelled', problem: { detail: 'the host h1 was replaced by h2' } }]);
    expect(answer.guests).toEqual([]);
  });

  it.each([
    ['a lost one that is connected', lost({ host: aHost() }), fresh(), 'wrong-state', /connected/],
    ['itself', lost(), lost(), 'bad-request', /itself|own place/],
    ['one that is cut off', lost(), fresh({ host: aHost({ id: NEW_ID, revokedAtMs: 1 }) }), 'wrong-state', /cut off/],
    ['one that is not known yet', lost(), fresh({ inventory: null }), 'wrong-state', /introduced/],
    ['one with guests', lost(), fresh({ resources: [aGuest({ id: '200', hostId: NEW_ID })] }), 'wrong-state', /guests of its own/],
  ])('is refused: %s', (_what, old, by, code, words) => {
    const refusal = refusalOf(() => replaced(old, by));
    expect(refusal.code).toBe(code);
    expect(refusal.text).toMatch(words);
  });
});
