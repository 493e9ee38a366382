import { readdirSync, rmSync } from 'node:fs';
import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Problem } from '@drover/shared/lib/problem';
import { securityMirrorOf, sourcesOf } from '../../agent/src/drivers/image/debian.ts';
import { layOut } from '../../agent/src/drivers/image/debian-files.ts';
import { run } from '../../agent/src/host/shell.ts';
import { makeOnce } from './once.ts';
import { digestOf, type Recipe, type Release, recipeOf } from './recipe.ts';
import type { Say } from './say.ts';

/** A disk with Debian on it, and what QEMU boots it with. Read only, shared by every host made of it. */
export interface LabImage {
  readonly folder: string;
  readonly digest: string;
  readonly diskPath: string;
  readonly diskBytes: number;
  readonly kernelPath: string;
  readonly initrdPath: string;
}

/** What can be told of this machine's way to Debian: another mirror, as each has its own. */
const mirror = (): string => process.env.DROVER_LAB_MIRROR || 'http://deb.debian.org/debian';

/** Where images and saved hosts lie: they cost minutes, so CI may keep the folder. */
export const cacheFolder = (): string => process.env.DROVER_LAB_CACHE || join(import.meta.dirname, '../../.cache/lab');

/** The image of a release; made from Debian's mirror if this recipe was never followed here. */
export async function ensureImage(release: Release, say: Say, signal?: AbortSignal): Promise<LabImage> {
  const recipe = recipeOf(release);
  const digest = digestOf(recipe);
  const folder = join(cacheFolder(), `${release}-${digest}`);
  await makeOnce(folder, `the image of a Debian host (${release})`, say, (work) => build(recipe, work, say, signal));
  const path = (name: string) => join(folder, name);
  return {
    folder,
    digest,
    diskPath: path('disk.raw'),
    diskBytes: recipe.diskBytes,
    kernelPath: path('vmlinuz'),
    initrdPath: path('initrd'),
  };
}

async function build(recipe: Recipe, work: string, say: Say, signal?: AbortSignal): Promise<void> {
  const tree = join(work, 'tree');
  await layOut(recipe.early, join(work, 'early'));
  await layOut(recipe.files, join(work, 'files'));
  await installDebian(recipe, work, say, signal);
  const boot = readdirSync(join(tree, 'boot'));
  for (const [prefix, name] of [
    ['vmlinuz-', 'vmlinuz'],
    ['initrd.img-', 'initrd'],
  ] as const) {
    const found = boot.find((file) => file.startsWith(prefix));
    if (!found) throw new Problem('host-failed', `Debian's kernel left no ${prefix}* in the image`, { retryable: true });
    await run('cp', ['--', join(tree, 'boot', found), join(work, name)]);
  }
  say('writing the disk …');
  const disk = join(work, 'disk.raw');
  await writeFile(disk, '', { mode: 0o600 });
  await truncate(disk, recipe.diskBytes);
  // Without a mount, so that it works wherever there is a file system; zeroes need not be written, as the file has none but holes.
  const options = ['-q', '-F', '-t', 'ext4', '-L', 'root', '-m', '0', '-b', '4096', '-E', 'assume_storage_prezeroed=1'];
  await run('mke2fs', [...options, '-d', tree, disk]);
  for (const name of ['tree', 'early', 'files']) rmSync(join(work, name), { recursive: true, force: true });
}

async function installDebian(recipe: Recipe, work: string, say: Say, signal?: AbortSignal): Promise<void> {
  say(`installing ${recipe.packages.length} packages and what they need from ${mirror()} …`);
  const errors: string[] = [];
  const args = [
    ...['--mode=root', '--variant=minbase', '--format=directory', '--verbose'],
    ...['--aptopt=APT::Sandbox::User "root"', '--aptopt=Acquire::Retries "3"', ...(await proxyOptions())],
    ...['force-unsafe-io', 'path-exclude=/usr/share/man/*', 'path-exclude=/usr/share/info/*', 'path-exclude=/usr/share/locale/*'].map(
      (option) => `--dpkgopt=${option}`,
    ),
    `--include=${recipe.packages.join(',')}`,
    `--essential-hook=sync-in ${join(work, 'early')} /`,
    `--customize-hook=sync-in ${join(work, 'files')} /`,
    // What was installed, for whoever asks later: the list of names is pinned, Debian's versions are those of the day.
    '--customize-hook=chroot "$1" dpkg-query --show > "$1/../packages.txt"',
    ...recipe.hooks.map((line) => `--customize-hook=${line}`),
    recipe.release,
    join(work, 'tree'),
    ...sourcesOf(recipe.release, mirror(), securityMirrorOf(mirror())),
  ];
  await run('mmdebstrap', args, {
    timeoutMs: 1_800_000,
    ...(signal ? { signal } : {}),
    env: { DEBIAN_FRONTEND: 'noninteractive', TMPDIR: work },
    onLine: (line) => {
      if (/^(E: |dpkg: error|mmdebstrap: )/.test(line)) errors.push(line);
    },
  }).catch((thrown: unknown) => {
    if (signal?.aborted) throw thrown;
    const said = errors.slice(0, 3).join('; ') || Problem.from(thrown).message;
    throw new Problem('host-failed', `Debian could not be installed into the image of a host: ${said}`, {
      cause: thrown,
      retryable: true,
      suggestion: `is ${mirror()} reachable from here? DROVER_LAB_MIRROR names another mirror`,
    });
  });
}

/** apt in the image reads none of this machine's settings; how this one reaches the mirror holds for it, too. */
async function proxyOptions(): Promise<readonly string[]> {
  const { stdout } = await run('apt-config', ['dump', '--format', '%f %v%n', 'Acquire::http::Proxy', 'Acquire::https::Proxy']);
  return stdout.split('\n').flatMap((line) => {
    const [, key, value] = /^(Acquire::https?::Proxy) (\S+)$/.exec(line) ?? [];
    return key && value ? [`--aptopt=${key} "${value.replaceAll('"', '')}"`] : [];
  });
}
