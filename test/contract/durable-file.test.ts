import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { realClock } from '@drover/shared/lib/clock';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RootfsFiles } from '../../agent/src/drivers/guest/rootfs-files.ts';
import { createRunRecords } from '../../agent/src/drivers/guest/run-record.ts';
import { realDisk } from '../../agent/src/host/disk.ts';
import { writeFileDurably } from '../../agent/src/host/durable-file.ts';

const inContainer = (rootfs: string) => new RootfsFiles(rootfs, { uid: 0, gid: 0 });
const OLD = 'what was there before';
const TOO_LONG = 'x'.repeat(64 * 1024);

describe.skipIf(process.getuid?.() !== 0)('on a disk that is full', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'drover-full-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=32k', 'none', folder]);
  });
  afterAll(() => {
    execFileSync('umount', [folder]);
    rmSync(folder, { recursive: true });
  });

  const ways = [
    ['a file beside the disks', (path: string, text: string) => writeFileDurably(path, text)],
    ['a file of the journal', (path: string, text: string) => realDisk.writeAtomically(path, text)],
    [
      "a file in a container's root file system",
      (path: string, text: string) => inContainer(dirname(path)).write([], basename(path), text, 0o600),
    ],
  ] as const;
  for (const [what, write] of ways) {
    it(`${what} that becomes too long keeps its old content, the failure is told, and nothing fills the disk on`, () => {
      const path = join(folder, 'file');
      write(path, OLD);
      expect(() => write(path, TOO_LONG)).toThrow('ENOSPC');
      expect(readFileSync(path, 'utf8')).toBe(OLD);
      expect(readdirSync(folder)).toEqual(['file']);
    });
  }

  it('a guest can still be ended, and that it was asked to is written down once there is room', () => {
    const runs = createRunRecords(realClock);
    runs.begin(folder, 1);
    const fill = join(folder, 'fill');
    expect(() => writeFileSync(fill, TOO_LONG)).toThrow('ENOSPC');
    runs.ask(folder);
    runs.end(folder, 'crash');
    expect(runs.read(folder, false)).toMatchObject({ powerRequest: 1, end: 'asked' });
    rmSync(fill);
    expect(runs.read(folder, false)).toMatchObject({ end: 'asked' });
    expect(createRunRecords(realClock).read(folder, false)).toMatchObject({ end: 'asked' });
    expect(() => writeFileSync(fill, TOO_LONG)).toThrow('ENOSPC');
    runs.remove(folder);
    expect(runs.read(folder, false)).toBeNull();
  });
});
