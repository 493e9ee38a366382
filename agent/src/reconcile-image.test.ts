import { GuestSpec, MiB } from '@drover/shared/model/guest';
import { expect, it } from 'vitest';
import { LoneHost } from '../../test/simulation/lone-host.ts';

const STORAGE = { kind: 'storage', id: 'storage_00000001' } as const;
const IMAGE = { kind: 'image', id: 'image_00000001' } as const;
const GUEST = { kind: 'guest', id: '107' } as const;

const image = {
  name: 'debian-13',
  form: 'container',
  storageId: STORAGE.id,
  source: { do: 'build', suite: 'trixie', packages: [] },
} as const;
const guest = GuestSpec.parse({
  ...{ type: 'container', name: 'web', tags: [], notes: '', power: 'off', powerRequest: 1, startAtBoot: true },
  ...{ memoryBytes: 64 * MiB, cores: 1, nics: [], sshKeys: [], swapBytes: 0, processesMax: 128, unprivileged: true },
  disks: [{ name: 'root', storageId: STORAGE.id, sizeBytes: 64 * MiB, imageId: IMAGE.id }],
});

it('an image that shall go goes after a guest whose disk came while it was being removed', async () => {
  const delayMs = (operation: string) => (operation === 'make disk' ? 1_000 : operation === 'remove image' ? 3_000 : 0);
  const host = new LoneHost({ weather: { delayMs } });
  host.wish(STORAGE, 1, { name: 'local', driver: 'directory', config: { path: '/local' } });
  host.wish(IMAGE, 1, image);
  await host.pass(5_000);
  host.wish(GUEST, 1, guest);
  await host.pass(100);
  host.wish(IMAGE, 2, image, { requestedAtMs: 1, destroys: ['files'] });
  await host.pass(5_000);
  expect(host.status(IMAGE)).toMatchObject({ acked: 2, waitingFor: 'guest web, which stands on it', gone: false });
  host.wish(GUEST, 2, guest, { requestedAtMs: 1, destroys: ['root'] });
  await host.pass(60_000);
  expect(host.status(GUEST)).toMatchObject({ gone: true });
  expect(host.status(IMAGE)).toMatchObject({ gone: true });
});
