import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { makeBusyboxArchive } from '../system/busybox.ts';
import { uploadRootfs } from '../system/busybox-image.ts';
import type { DroverWorld } from './drover-world.ts';
import { runProgram } from './run-program.ts';

/** busybox: a few files, boots at once. debian: a whole system of 7,000 files, made and removed but not booted. */
export type ImageName = 'busybox' | 'debian';

/** One image as every contender gets it. */
export interface BenchImage {
  readonly name: ImageName;
  /** A root file system with its owners as they are within. */
  readonly archivePath: string;
  /** Drover's name for it, and where it lies unpacked. */
  readonly id: string;
  readonly rootfs: string;
}

export type BenchImages = ReadonlyMap<ImageName, BenchImage>;

const DEBIAN = join(import.meta.dirname, '../../.cache/bench/debian-13.tar.gz');

export async function bringImages(world: DroverWorld, wanted: readonly ImageName[], say: (line: string) => void): Promise<BenchImages> {
  const images = new Map<ImageName, BenchImage>();
  for (const name of wanted) {
    const archivePath = name === 'busybox' ? makeBusyboxArchive().path : await debianArchive(say);
    const { id } = await uploadRootfs(world, name, archivePath);
    images.set(name, { name, archivePath, id, rootfs: join(world.storagePath, 'images', id, 'rootfs') });
  }
  return images;
}

/** Made once and kept: it takes a minute. */
async function debianArchive(say: (line: string) => void): Promise<string> {
  if (existsSync(DEBIAN)) return DEBIAN;
  say('a Debian root file system is made (kept in .cache/bench)');
  mkdirSync(join(DEBIAN, '..'), { recursive: true });
  const unfinished = DEBIAN.replace(/\.tar\.gz$/, `.${process.pid}.tar.gz`);
  await runProgram('mmdebstrap', ['--variant=minbase', '--include=systemd-sysv', '--quiet', 'trixie', unfinished]);
  renameSync(unfinished, DEBIAN);
  return DEBIAN;
}
