import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Problem } from '@drover/shared/lib/problem';
import { isMissing } from '../../host/durable-file.ts';
import { run } from '../../host/shell.ts';
import { removeTree } from './durable.ts';

export interface Overlay {
  readonly lower: string;
  readonly upper: string;
  readonly work: string;
  readonly target: string;
  /** A guest with a user namespace of its own can use no device node anyway. */
  readonly devices: boolean;
}

/** Mount points and their file systems' types, innermost last, as in /proc/self/mountinfo. */
export function parseMountinfo(text: string): readonly { readonly target: string; readonly type: string }[] {
  return text.split('\n').flatMap((line) => {
    const [before, after] = line.split(' - ');
    const target = before?.split(' ')[4];
    const type = after?.split(' ')[0];
    if (!target || !type) return [];
    return [{ target: target.replace(/\\([0-7]{3})/g, (_all, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))), type }];
  });
}

/** How many mounts lie on this path, and whether the last is an overlay. The kernel remembers them across restarts of the agent. */
export async function mountsOn(path: string): Promise<{ readonly count: number; readonly overlay: boolean }> {
  const mounts = parseMountinfo(await readFile('/proc/self/mountinfo', 'utf8')).filter((mount) => mount.target === path);
  return { count: mounts.length, overlay: mounts.at(-1)?.type === 'overlay' };
}

/** Options of mount(8). Paths are plain (`PlainPath`), so none can hold a comma or a colon. `redirect_dir`: renaming a folder of the image must work in the guest. */
export function overlayOptions(overlay: Overlay): string {
  return [
    ...(overlay.devices ? [] : ['nodev']),
    `lowerdir=${overlay.lower}`,
    `upperdir=${overlay.upper}`,
    `workdir=${overlay.work}`,
    'redirect_dir=on',
    'metacopy=off',
    'index=off',
  ].join(',');
}

export async function mountOverlay(overlay: Overlay, signal: AbortSignal): Promise<void> {
  if ((await mountsOn(overlay.target)).overlay) return;
  await run('mount', ['-t', 'overlay', 'drover', '-o', overlayOptions(overlay), overlay.target], { signal, timeoutMs: 30_000 });
}

export async function unmountAll(target: string, signal: AbortSignal): Promise<void> {
  for (let left = (await mountsOn(target)).count; left > 0; left--) {
    const { code, stderr } = await run('umount', [target], { signal, timeoutMs: 30_000, okCodes: [0, 32] });
    if (code === 0) continue;
    if ((await mountsOn(target)).count === 0) return;
    throw new Problem('busy', `${target} cannot be unmounted: ${stderr.trim()}`, {
      retryable: true,
      suggestion: 'something on the host still uses files of this guest: fuser -vm shows what',
    });
  }
}

/** Can this file system carry a guest's layer over an image? Tried, not guessed: written through, deleted, renamed, then taken down. */
export async function overlayWorks(folder: string, signal: AbortSignal): Promise<true | string> {
  const place = (name: string) => join(folder, name);
  const overlay = { lower: place('lower'), upper: place('upper'), work: place('work'), target: place('target'), devices: true };
  try {
    await unmountAll(overlay.target, signal);
    await removeTree(folder, signal);
    await mkdir(join(overlay.lower, 'folder'), { recursive: true });
    await Promise.all([mkdir(overlay.upper), mkdir(overlay.work), mkdir(overlay.target)]);
    await writeFile(join(overlay.lower, 'file'), 'image');
    await writeFile(join(overlay.lower, 'folder', 'inner'), 'image');
    await mountOverlay(overlay, signal);
    await writeFile(join(overlay.target, 'folder', 'inner'), 'guest');
    await rm(join(overlay.target, 'file'));
    await rename(join(overlay.target, 'folder'), join(overlay.target, 'moved'));
    const inner = await readFile(join(overlay.target, 'moved', 'inner'), 'utf8');
    const hidden = await stat(join(overlay.target, 'file')).then(() => false, isMissing);
    return inner === 'guest' && hidden ? true : 'overlayfs does not behave here';
  } catch (thrown) {
    signal.throwIfAborted();
    return Problem.from(thrown).message;
  } finally {
    // Only tidying: the next try begins by doing the same, and throws if it cannot.
    await unmountAll(overlay.target, AbortSignal.timeout(5_000))
      .then(() => removeTree(folder))
      .catch(() => {});
  }
}
