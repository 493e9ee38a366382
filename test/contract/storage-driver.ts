import { execFileSync } from 'node:child_process';
import { chownSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { silentProgress } from '@drover/agent/drivers/progress';
import type { Storage, StorageDriver } from '@drover/agent/drivers/storage/driver';
import { Disk } from '@drover/shared/model/guest';
import type { ImageForm } from '@drover/shared/model/image';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

export interface StorageUnderTest {
  readonly driver: StorageDriver;
  /** Settings that the driver takes here. */
  readonly config: unknown;
  /** The same place as a new agent finds it, after the old one died. */
  reopen(): StorageDriver;
  dispose(): Promise<void>;
}

const MiB = 2 ** 20;
const SHIFT = 100_000;
const VM_IMAGE = 'image_vmvmvmvm1';
const CONTAINER_IMAGE = 'image_containr1';
const ISO_IMAGE = 'image_isoisois1';

const diskOf = (imageId: string | null, sizeBytes = 256 * MiB, name = 'root') =>
  Disk.parse({ name, storageId: 'storage_00000001', sizeBytes, imageId });

/** The specification of a storage driver. A skip names the guarantee and why this driver cannot give it. */
export function describeStorageDriver(
  make: () => Promise<StorageUnderTest>,
  { skip }: { readonly skip: Readonly<Record<string, string>> },
) {
  const guarantee = (name: string, run: () => Promise<void>) => (skip[name] ? it.skip(`${name} (${skip[name]})`, run) : it(name, run));
  const signal = AbortSignal.timeout(600_000);
  const options = { unprivileged: true, signal };
  let under: StorageUnderTest;
  let storage: Storage;

  beforeEach(async () => {
    under = await make();
    storage = under.driver.open('storage_00000001', under.config);
    await storage.ensure(signal);
  });
  afterEach(async () => {
    await under.dispose();
  });

  async function publish(id: string, form: ImageForm, digest = 'digest1'): Promise<void> {
    const { folder } = await storage.stageImage(id);
    fill(folder, form);
    const virtualSizeBytes = form === 'vm' ? 128 * MiB : null;
    await storage.publishImage(id, { name: `an-${form}`, form, digest, virtualSizeBytes }, silentProgress);
  }

  function fill(folder: string, form: ImageForm): void {
    if (form === 'iso') writeFileSync(join(folder, 'disc.iso'), 'disc');
    if (form === 'vm') execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', join(folder, 'disk.qcow2'), String(128 * MiB)]);
    if (form !== 'container') return;
    const root = join(folder, 'rootfs');
    mkdirSync(join(root, 'etc'), { recursive: true });
    writeFileSync(join(root, 'etc', 'motd'), 'from the image');
    writeFileSync(join(root, 'etc', 'su'), 'a program', { mode: 0o755 });
    symlinkSync('/etc/motd', join(root, 'link'));
    for (const path of ['', 'etc', 'etc/motd', 'etc/su']) chownSync(join(root, path), SHIFT, SHIFT);
    execFileSync('chown', ['-h', `${SHIFT}:${SHIFT}`, join(root, 'link')]);
    chownSync(join(root, 'etc', 'motd'), SHIFT + 33, SHIFT);
    execFileSync('chmod', ['4755', join(root, 'etc', 'su')]);
  }

  describe('a storage', () => {
    guarantee('describes itself with a schema of its settings', async () => {
      const description = await under.driver.probe();
      expect(description).toMatchObject({ port: 'storage', usable: true, configSchema: { type: 'object', additionalProperties: false } });
    });

    guarantee('refuses settings that it does not know, by name', async () => {
      expect(() => under.driver.open('storage_00000001', { ...Object(under.config), colour: 'red' })).toThrow(
        expect.objectContaining({ code: 'bad-request', field: 'colour' }),
      );
    });

    guarantee('is made ready as often as one likes', async () => {
      await storage.ensure(signal);
      expect([await storage.ready(), await storage.exists()]).toEqual([true, true]);
      expect((await storage.capacity()).totalBytes).toBeGreaterThan(0);
    });

    guarantee('goes away when it is empty, and only then', async () => {
      await publish(ISO_IMAGE, 'iso');
      await expect(storage.remove(signal)).rejects.toMatchObject({ code: 'in-use' });
      expect(await storage.listImages()).toHaveLength(1);
      await storage.removeImage(ISO_IMAGE, signal);
      await storage.remove(signal);
      expect([await storage.ready(), await storage.exists()]).toEqual([false, false]);
    });

    guarantee('never makes a path of an id that is none', async () => {
      for (const bad of ['../x', 'image_../../etc', '', 'image_a b', '-rf', 'image_\nabcdefgh'])
        await expect(storage.stageImage(bad)).rejects.toMatchObject({ code: 'bad-request' });
      for (const bad of [1.5, 0, -100, Number.NaN])
        expect(() => storage.guestFolder(bad)).toThrow(expect.objectContaining({ code: 'bad-request' }));
      const disk = { ...diskOf(null), name: '../../x' };
      await expect(storage.ensureDisk(100, disk, 'vm', options)).rejects.toMatchObject({ code: 'bad-request' });
    });
  });

  describe('an image', () => {
    guarantee('does not exist before it is published, and then as a whole', async () => {
      const { folder } = await storage.stageImage(VM_IMAGE);
      fill(folder, 'vm');
      expect(await storage.listImages()).toEqual([]);
      await storage.publishImage(VM_IMAGE, { name: 'a-vm', form: 'vm', digest: 'd', virtualSizeBytes: 128 * MiB }, silentProgress);
      expect(await storage.listImages()).toEqual([
        {
          id: VM_IMAGE,
          name: 'a-vm',
          form: 'vm',
          digest: 'd',
          virtualSizeBytes: 128 * MiB,
          sizeBytes: expect.any(Number),
          madeAtMs: expect.any(Number),
        },
      ]);
      expect(existsSync(storage.imagePath(VM_IMAGE))).toBe(true);
    });

    guarantee('begins anew after a try that was killed', async () => {
      const first = await storage.stageImage(VM_IMAGE);
      writeFileSync(join(first.folder, 'half'), 'half');
      const again = await under.reopen().open('storage_00000001', under.config).stageImage(VM_IMAGE);
      expect(readdirSync(again.folder)).toEqual([]);
    });

    guarantee('is published once, however often it is asked', async () => {
      await publish(ISO_IMAGE, 'iso');
      const [before] = await storage.listImages();
      await storage.publishImage(ISO_IMAGE, { name: 'an-iso', form: 'iso', digest: 'digest1', virtualSizeBytes: null }, silentProgress);
      expect(await storage.listImages()).toEqual([before]);
    });

    guarantee('is not published without its content', async () => {
      await storage.stageImage(VM_IMAGE);
      const about = { name: 'a-vm', form: 'vm', digest: 'd', virtualSizeBytes: 1 } as const;
      await expect(storage.publishImage(VM_IMAGE, about, silentProgress)).rejects.toMatchObject({ code: 'host-failed' });
      expect(await storage.listImages()).toEqual([]);
    });

    guarantee('stays while a guest stands on it, which is named', async () => {
      await publish(VM_IMAGE, 'vm');
      await storage.ensureDisk(107, diskOf(VM_IMAGE), 'vm', options);
      await expect(storage.removeImage(VM_IMAGE, signal)).rejects.toMatchObject({
        code: 'in-use',
        message: expect.stringContaining('107'),
      });
      await storage.removeDisk(107, diskOf(VM_IMAGE), 'vm', signal);
      await storage.removeImage(VM_IMAGE, signal);
      await storage.removeImage(VM_IMAGE, signal);
      expect(await storage.listImages()).toEqual([]);
    });

    guarantee('is not changed under a guest that stands on it', async () => {
      await publish(CONTAINER_IMAGE, 'container');
      await storage.ensureDisk(107, diskOf(CONTAINER_IMAGE), 'container', options);
      await storage.attachDisk(107, diskOf(CONTAINER_IMAGE), 'container', signal);
      const place = storage.diskPlace(107, diskOf(CONTAINER_IMAGE), 'container');
      writeFileSync(join(place.path, 'etc', 'motd'), 'from the guest');
      await storage.releaseDisk(107, diskOf(CONTAINER_IMAGE), 'container', signal);
      await storage.ensureDisk(108, diskOf(CONTAINER_IMAGE), 'container', options);
      await storage.attachDisk(108, diskOf(CONTAINER_IMAGE), 'container', signal);
      const other = storage.diskPlace(108, diskOf(CONTAINER_IMAGE), 'container');
      expect(readFileSync(join(other.path, 'etc', 'motd'), 'utf8')).toBe('from the image');
    });
  });

  describe('a disk of a VM', () => {
    guarantee('is a clone of its image, grown to its size', async () => {
      await publish(VM_IMAGE, 'vm');
      await storage.ensureDisk(100, diskOf(VM_IMAGE, 512 * MiB), 'vm', options);
      const place = storage.diskPlace(100, diskOf(VM_IMAGE), 'vm');
      expect(place).toMatchObject({ name: 'root', form: 'file', format: 'qcow2' });
      const seen = JSON.parse(execFileSync('qemu-img', ['info', '--output=json', place.path], { encoding: 'utf8' }));
      expect(seen).toMatchObject({ 'virtual-size': 512 * MiB, format: 'qcow2' });
      expect(lstatSync(place.path).mode & 0o777).toBe(0o600);
    });

    guarantee('can be empty', async () => {
      await storage.ensureDisk(100, diskOf(null), 'vm', options);
      expect(await storage.diskExists(100, diskOf(null), 'vm')).toBe(true);
    });

    guarantee('is refused when smaller than its image, with nothing left behind', async () => {
      await publish(VM_IMAGE, 'vm');
      const refused = storage.ensureDisk(100, diskOf(VM_IMAGE, 64 * MiB), 'vm', options);
      await expect(refused).rejects.toMatchObject({ code: 'bad-request', field: 'disks.0.sizeBytes' });
      expect(await storage.diskExists(100, diskOf(VM_IMAGE), 'vm')).toBe(false);
    });

    guarantee('is not made from an image of another form, or from none', async () => {
      await publish(CONTAINER_IMAGE, 'container');
      await expect(storage.ensureDisk(100, diskOf(CONTAINER_IMAGE), 'vm', options)).rejects.toMatchObject({ field: 'disks.0.imageId' });
      await expect(storage.ensureDisk(100, diskOf('image_notthere'), 'vm', options)).rejects.toMatchObject({ code: 'not-found' });
    });

    guarantee('keeps what is on it when it is asked for again', async () => {
      await storage.ensureDisk(100, diskOf(null), 'vm', options);
      const { path } = storage.diskPlace(100, diskOf(null), 'vm');
      execFileSync('qemu-io', ['-f', 'qcow2', '-c', 'write -P 7 0 4096', path]);
      await under.reopen().open('storage_00000001', under.config).ensureDisk(100, diskOf(null), 'vm', options);
      expect(execFileSync('qemu-io', ['-f', 'qcow2', '-c', 'read -P 7 0 4096', path], { encoding: 'utf8' })).toContain('read 4096/4096');
    });
  });

  describe('a root file system', () => {
    const disk = diskOf(CONTAINER_IMAGE);
    const place = () => storage.diskPlace(100, disk, 'container').path;

    guarantee('shows the image with the ids of an unprivileged guest', async () => {
      await publish(CONTAINER_IMAGE, 'container');
      await storage.ensureDisk(100, disk, 'container', options);
      await storage.attachDisk(100, disk, 'container', signal);
      await storage.attachDisk(100, disk, 'container', signal);
      expect(readFileSync(join(place(), 'etc', 'motd'), 'utf8')).toBe('from the image');
      expect([place(), join(place(), 'etc', 'motd'), join(place(), 'link')].map((path) => lstatSync(path).uid)).toEqual([
        SHIFT,
        SHIFT + 33,
        SHIFT,
      ]);
      expect(lstatSync(join(place(), 'etc', 'su')).mode & 0o7777).toBe(0o4755);
    });

    guarantee('keeps what the guest wrote, across release, a new agent, and attach', async () => {
      await publish(CONTAINER_IMAGE, 'container');
      await storage.ensureDisk(100, disk, 'container', options);
      await storage.attachDisk(100, disk, 'container', signal);
      writeFileSync(join(place(), 'kept'), 'kept');
      const next = under.reopen().open('storage_00000001', under.config);
      await next.ensureDisk(100, disk, 'container', options);
      await next.attachDisk(100, disk, 'container', signal);
      await next.releaseDisk(100, disk, 'container', signal);
      await next.releaseDisk(100, disk, 'container', signal);
      await next.attachDisk(100, disk, 'container', signal);
      expect(readFileSync(join(place(), 'kept'), 'utf8')).toBe('kept');
    });

    guarantee('of a privileged guest has the ids of the host, setuid programs included', async () => {
      await publish(CONTAINER_IMAGE, 'container');
      await storage.ensureDisk(100, disk, 'container', { ...options, unprivileged: false });
      await storage.attachDisk(100, disk, 'container', signal);
      expect([place(), join(place(), 'etc', 'motd'), join(place(), 'link')].map((path) => lstatSync(path).uid)).toEqual([0, 33, 0]);
      expect(lstatSync(join(place(), 'etc', 'su')).mode & 0o7777).toBe(0o4755);
    });

    guarantee('is gone for good once removed, even while it was attached', async () => {
      await publish(CONTAINER_IMAGE, 'container');
      await storage.ensureDisk(100, disk, 'container', options);
      await storage.attachDisk(100, disk, 'container', signal);
      await storage.removeDisk(100, disk, 'container', signal);
      await storage.removeDisk(100, disk, 'container', signal);
      expect(await storage.diskExists(100, disk, 'container')).toBe(false);
      expect(existsSync(place())).toBe(false);
      await storage.removeImage(CONTAINER_IMAGE, signal);
    });

    guarantee('cannot be attached before it is made', async () => {
      await expect(storage.attachDisk(100, disk, 'container', signal)).rejects.toMatchObject({ code: 'not-found' });
    });
  });

  describe('the folder of a guest', () => {
    guarantee('comes with its first disk, not by being asked for, and goes with all that is in it', async () => {
      const folder = storage.guestFolder(123);
      expect(existsSync(folder)).toBe(false);
      expect(await storage.listGuests()).toEqual([]);
      await storage.ensureDisk(123, diskOf(null), 'vm', options);
      writeFileSync(join(folder, 'guest.json'), '{}');
      expect(await storage.listGuests()).toEqual([123]);
      await storage.removeGuestFolder(123);
      await storage.removeGuestFolder(123);
      expect(await storage.listGuests()).toEqual([]);
    });
  });
}
