import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentProgress } from '@drover/agent/drivers/progress';
import { createDirectoryStorageDriver } from '@drover/agent/drivers/storage/directory';
import { realClock } from '@drover/shared/lib/clock';
import { Disk } from '@drover/shared/model/guest';
import { describe, expect, it } from 'vitest';
import { describeStorageDriver } from './storage-driver.ts';

const isRoot = process.getuid?.() === 0;
const signal = AbortSignal.timeout(600_000);

function place() {
  const base = mkdtempSync(join(tmpdir(), 'drover-directory-'));
  execFileSync('chmod', ['711', base]);
  const lines: string[] = [];
  const open = () => createDirectoryStorageDriver({ config: { storagePaths: [base] }, clock: realClock, log: (line) => lines.push(line) });
  return {
    base,
    lines,
    open,
    path: join(base, 'storage'),
    dispose: async () => {
      for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
        const target = line.split(' ')[4];
        if (target?.startsWith(`${base}/`)) execFileSync('umount', [target]);
      }
      rmSync(base, { recursive: true, force: true });
    },
  };
}

describe.skipIf(!isRoot)('directory', () => {
  describeStorageDriver(
    async () => {
      const { open, path, dispose } = place();
      return { driver: open(), config: { path }, reopen: open, dispose };
    },
    { skip: {} },
  );

  it('stays within the folders that the host allows, whatever a link says', async () => {
    const { base, open, dispose } = place();
    const outside = mkdtempSync(join(tmpdir(), 'drover-outside-'));
    try {
      for (const path of ['/etc', `${base}-other`, `${base}/../x`, `${base}//x`, `${base}/a,b`, `${base}/`, 'relative', `${base}/a\nb`])
        expect(() => open().open('storage_00000001', { path })).toThrow(expect.objectContaining({ field: expect.stringMatching(/path$/) }));
      symlinkSync(outside, join(base, 'link'));
      const storage = open().open('storage_00000001', { path: join(base, 'link') });
      await expect(storage.ensure(signal)).rejects.toMatchObject({ code: 'not-allowed' });
      expect(readdirSync(outside)).toEqual([]);
    } finally {
      await dispose();
      rmSync(outside, { recursive: true });
    }
  });

  it('says which folder keeps an unprivileged container from its files', async () => {
    const { base, open, path, dispose } = place();
    try {
      const storage = open().open('storage_00000001', { path });
      await storage.ensure(signal);
      execFileSync('chmod', ['700', base]);
      const disk = Disk.parse({ name: 'root', storageId: 'storage_00000001', sizeBytes: 2 ** 26, imageId: null });
      const refused = storage.ensureDisk(100, disk, 'container', { unprivileged: true, signal });
      await expect(refused).rejects.toMatchObject({ code: 'unsupported', message: expect.stringContaining(base) });
    } finally {
      await dispose();
    }
  });

  it('keeps other users of the host out of a container’s files, while its own root passes', async () => {
    const { open, path, dispose } = place();
    try {
      const storage = open().open('storage_00000001', { path });
      await storage.ensure(signal);
      const disk = Disk.parse({ name: 'root', storageId: 'storage_00000001', sizeBytes: 2 ** 26, imageId: null });
      await storage.ensureDisk(100, disk, 'container', { unprivileged: true, signal });
      const rootfs = storage.diskPlace(100, disk, 'container').path;
      const sees = (id: string) => {
        try {
          execFileSync('setpriv', ['--reuid', id, '--regid', id, '--clear-groups', 'ls', rootfs], { stdio: 'ignore' });
          return true;
        } catch {
          return false;
        }
      };
      expect({ guest: sees('100000'), nobody: sees('65534') }).toEqual({ guest: true, nobody: false });
    } finally {
      await dispose();
    }
  });

  it('copies images where an overlay cannot be', async () => {
    const { base, open, dispose } = place();
    try {
      // An overlay cannot be the upper layer of another one: the plainest file system that refuses.
      for (const name of ['l', 'u', 'w', 'm']) mkdirSync(join(base, name));
      execFileSync('chmod', ['711', join(base, 'u')]);
      execFileSync('mount', ['-t', 'overlay', 'x', '-o', `lowerdir=${base}/l,upperdir=${base}/u,workdir=${base}/w`, join(base, 'm')]);
      const storage = open().open('storage_00000001', { path: join(base, 'm', 'storage') });
      await storage.ensure(signal);
      const { folder } = await storage.stageImage('image_00000001');
      mkdirSync(join(folder, 'rootfs'));
      writeFileSync(join(folder, 'rootfs', 'motd'), 'hello');
      execFileSync('chown', ['-R', '100000:100000', join(folder, 'rootfs')]);
      const about = { name: 'x1', form: 'container', digest: 'd', virtualSizeBytes: null } as const;
      await storage.publishImage('image_00000001', about, silentProgress);
      const disk = Disk.parse({ name: 'root', storageId: 'storage_00000001', sizeBytes: 2 ** 26, imageId: 'image_00000001' });
      await storage.ensureDisk(100, disk, 'container', { unprivileged: true, signal });
      await storage.attachDisk(100, disk, 'container', signal);
      const { path } = storage.diskPlace(100, disk, 'container');
      expect(readFileSync(join(path, 'motd'), 'utf8')).toBe('hello');
      expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(path);
      await storage.removeImage('image_00000001', signal);
      expect(readFileSync(join(path, 'motd'), 'utf8')).toBe('hello');
    } finally {
      await dispose();
    }
  });
});
