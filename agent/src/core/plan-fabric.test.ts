import { HostId, ImageName, StorageId } from '@drover/shared/model/id';
import type { Wish } from '@drover/shared/model/spec';
import { describe, expect, test } from 'vitest';
import { type ObservedImageFabric, planImage, planNetwork, planStorage } from './plan-fabric.ts';

const hostId = HostId.parse('host_0123456789');
const storageId = StorageId.parse('storage_local0001');
const envelope = { hostId, generation: 1, deletion: null } as const;
const deletion = { requestedAtMs: 1, destroys: ['files'] };

const storage: Wish<'storage'> = { ...envelope, kind: 'storage', id: storageId, spec: { name: 'local', driver: 'directory', config: {} } };
const network: Wish<'network'> = {
  ...envelope,
  kind: 'network',
  id: 'network_default1',
  spec: { name: 'default', driver: 'nat', config: {} },
};
const image: Wish<'image'> = {
  ...envelope,
  kind: 'image',
  id: 'image_debian001',
  spec: { name: ImageName.parse('debian-13'), form: 'vm', storageId, source: { do: 'build', suite: 'trixie', packages: [] } },
};

describe.each([
  ['a storage', planStorage, storage, 'storage'],
  ['a network', planNetwork, network, 'network'],
] as const)('%s', (_name, plan, wish, kind) => {
  // Sound: the row pairs each planner with a wish of its own kind.
  const planned = (more: object, ready: boolean, exists: boolean) => plan({ ...wish, ...more } as never, { ready, exists });
  test('is prepared until it is ready', () => {
    expect(planned({}, false, true)).toMatchObject({ steps: [{ do: `${kind}.ensure` }] });
    expect(planned({}, true, true)).toEqual({ do: 'settled' });
  });
  test('is taken away while anything of it is there', () => {
    expect(planned({ deletion }, true, true)).toMatchObject({ steps: [{ do: `${kind}.remove` }] });
    expect(planned({ deletion }, false, false)).toEqual({ do: 'gone' });
  });
});

describe('an image', () => {
  const there: ObservedImageFabric = { ready: true, exists: true, storageReady: true, usedBy: null };
  const usedBy = { name: 'web', id: '100' };
  test.each([
    ['is made until it is ready', image, { ...there, ready: false, exists: false }, { do: 'perform', steps: [{ do: 'image.make' }] }],
    [
      'is made anew when it is there from another source',
      image,
      { ...there, ready: false },
      { do: 'perform', steps: [{ do: 'image.make' }] },
    ],
    ['waits for its storage', image, { ...there, storageReady: false }, { do: 'wait', on: { kind: 'storage', id: storageId } }],
    ['goes by a tombstone', { ...image, deletion }, there, { do: 'perform', steps: [{ do: 'image.remove' }] }],
    [
      'goes after the guest that stands on it',
      { ...image, deletion },
      { ...there, usedBy },
      { do: 'wait', on: { kind: 'guest', id: '100' } },
    ],
    ['is not taken for gone while its storage is away', { ...image, deletion }, { ...there, storageReady: false }, { do: 'wait' }],
    [
      'keeps the files that its tombstone does not list',
      { ...image, deletion: { ...deletion, destroys: [] as string[] } },
      there,
      { do: 'gone' },
    ],
    ['is gone when nothing is left', { ...image, deletion }, { ...there, ready: false, exists: false }, { do: 'gone' }],
  ] as const)('%s', (_name, wish, observed, plan) => {
    expect(planImage(wish, observed)).toMatchObject(plan);
  });
});
