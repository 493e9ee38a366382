import { GuestSpec, MiB } from '@drover/shared/model/guest';

/** The least that a test can wish of a host: a storage, and a container on it that is to run. */
export const STORAGE = { kind: 'storage', id: 'storage_00000001' } as const;
export const GUEST = { kind: 'guest', id: '107' } as const;
export const storage = { name: 'local', driver: 'directory', config: { path: '/local' } };
export const guest = GuestSpec.parse({
  ...{ type: 'container', name: 'web', tags: [], notes: '', power: 'running', powerRequest: 1, startAtBoot: true },
  ...{ memoryBytes: 64 * MiB, cores: 1, nics: [], sshKeys: [], swapBytes: 0, processesMax: 128, unprivileged: true },
  disks: [{ name: 'root', storageId: STORAGE.id, sizeBytes: 64 * MiB, imageId: null }],
});
