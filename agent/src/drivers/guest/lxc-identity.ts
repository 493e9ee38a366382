import { join } from 'node:path';
import type { ContainerSpec } from '@drover/shared/model/guest';
import { z } from 'zod';
import { readTextIfThere, removeFileDurably, writeFileDurably } from '../../host/durable-file.ts';
import { RootfsFiles, type RootfsOwner } from './rootfs-files.ts';

/** identity.json in the guest's folder: what has been written into its root file system. */
const Identity = z.strictObject({ v: z.literal(1), name: z.string(), keys: z.boolean() });

const pathOf = (folder: string): string => join(folder, 'identity.json');

/** Gives a container its host name, and root its keys when it is first made; the keys are the guest's own from then on. */
export function ensureIdentity(folder: string, rootfs: string, spec: ContainerSpec, owner: RootfsOwner): void {
  const before = readIdentity(folder);
  if (before?.name === spec.name && before.keys) return;
  const files = new RootfsFiles(rootfs, owner);
  files.write(['etc'], 'hostname', `${spec.name}\n`, 0o644);
  files.write(['etc'], 'hosts', hostsFile(files.read(['etc'], 'hosts'), spec.name), 0o644);
  if (!before?.keys && spec.sshKeys.length > 0) writeKeys(files, spec.sshKeys);
  writeFileDurably(pathOf(folder), `${JSON.stringify({ v: 1, name: spec.name, keys: true } satisfies z.infer<typeof Identity>)}\n`);
}

export function removeIdentity(folder: string): void {
  removeFileDurably(pathOf(folder));
}

/** The hosts file of an image, in which 127.0.1.1 is the container itself, as Debian has it. */
export function hostsFile(before: string | null, name: string): string {
  const own = `127.0.1.1\t${name}`;
  const lines = (before ?? '127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n').split('\n');
  const others = lines.filter((line) => !/^\s*127\.0\.1\.1\s/.test(line));
  const localhost = others.findIndex((line) => /^\s*127\.0\.0\.1\s/.test(line));
  others.splice(localhost + 1, 0, own);
  return `${others.join('\n').trimEnd()}\n`;
}

function writeKeys(files: RootfsFiles, keys: readonly string[]): void {
  files.makeFolder(['root'], '.ssh', 0o700);
  const before = (files.read(['root', '.ssh'], 'authorized_keys') ?? '').split('\n').filter((line) => line !== '');
  const added = keys.filter((key) => !before.includes(key));
  files.write(['root', '.ssh'], 'authorized_keys', `${[...before, ...added].join('\n')}\n`, 0o600);
}

function readIdentity(folder: string): z.infer<typeof Identity> | null {
  const text = readTextIfThere(pathOf(folder));
  if (text === null) return null;
  try {
    return Identity.parse(JSON.parse(text));
  } catch {
    // Not ours or not whole: everything is written once more, which does no harm.
    return null;
  }
}
