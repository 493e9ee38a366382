import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { digest } from '@drover/shared/lib/digest';
import { realRandom } from '@drover/shared/lib/random';
import type { VmSpec } from '@drover/shared/model/guest';
import { publishFile, readTextIfThere, writeFileDurably } from '../../host/durable-file.ts';
import { run } from '../../host/shell.ts';

/** Who a VM is: its UUID, and its name and keys in the two forms that guests look for. */

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The guest's UUID, drawn once and kept in its folder. */
export function ensureUuid(folder: string): string {
  const path = join(folder, 'uuid');
  const kept = readTextIfThere(path)?.trim();
  if (kept !== undefined && UUID.test(kept)) return kept;
  const uuid = uuidOf(digest(realRandom.text(40)));
  writeFileDurably(path, `${uuid}\n`);
  return uuid;
}

/** 32 hex digits as a UUID of version 8, whose bits are the maker's own affair. */
export function uuidOf(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** SMBIOS has room for 64 KiB in all; keys beyond this come by the seed alone. */
const CREDENTIALS_CHARS_MAX = 32_768;

/** SMBIOS strings that systemd in the guest reads as credentials: no cloud-init needed. */
export function systemdCredentials(spec: VmSpec): string[] {
  const hostname = `io.systemd.credential:system.hostname=${spec.name}`;
  if (spec.sshKeys.length === 0) return [hostname];
  const keys = Buffer.from(`${spec.sshKeys.join('\n')}\n`).toString('base64');
  return keys.length > CREDENTIALS_CHARS_MAX ? [hostname] : [hostname, `io.systemd.credential.binary:ssh.authorized_keys.root=${keys}`];
}

/** Installs the guest agent where the image came without: a constant text, run once by cloud-init. */
const INSTALL_GUEST_AGENT = `
command -v qemu-ga >/dev/null || test -x /usr/sbin/qemu-ga || {
  if command -v apt-get >/dev/null; then apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y qemu-guest-agent
  elif command -v dnf >/dev/null; then dnf install -y qemu-guest-agent
  elif command -v apk >/dev/null; then apk add qemu-guest-agent && rc-update add qemu-guest-agent
  fi
}
if command -v systemctl >/dev/null; then systemctl start qemu-guest-agent; else rc-service qemu-guest-agent start; fi
`.trim();

/** The files of a NoCloud seed. JSON is YAML, and needs no quoting rules of its own. */
export function seedFiles(spec: VmSpec, uuid: string): Readonly<Record<'meta-data' | 'user-data', string>> {
  const userData = {
    hostname: spec.name,
    disable_root: false,
    ssh_authorized_keys: spec.sshKeys,
    users: ['default', { name: 'root', ssh_authorized_keys: spec.sshKeys }],
    runcmd: [['sh', '-c', INSTALL_GUEST_AGENT]],
  };
  return {
    'meta-data': `${JSON.stringify({ 'instance-id': uuid, 'local-hostname': spec.name })}\n`,
    'user-data': `#cloud-config\n${JSON.stringify(userData)}\n`,
  };
}

/** Is the guest made from an image, so that it may look for a seed? An installer on an empty disk would only offer to install onto it. */
export const wantsSeed = (spec: VmSpec): boolean => spec.disks[0]?.imageId !== null;

export function seedPath(folder: string, spec: VmSpec, uuid: string): string {
  return join(folder, `seed-${digest(seedFiles(spec, uuid)).slice(0, 12)}.img`);
}

/** Makes the seed, a small FAT file system labelled CIDATA, whole or not at all; older ones go. */
export async function ensureSeed(folder: string, spec: VmSpec, uuid: string, signal: AbortSignal): Promise<void> {
  const path = seedPath(folder, spec, uuid);
  if (!existsSync(path)) {
    const staging = join(folder, 'seed.new');
    rmSync(staging, { recursive: true, force: true });
    mkdirSync(staging, { mode: 0o700 });
    const files = Object.entries(seedFiles(spec, uuid)).map(([name, text]) => {
      writeFileSync(join(staging, name), text, { mode: 0o600 });
      return join(staging, name);
    });
    const image = join(staging, 'seed.img');
    // The geometry of a 1.44 MB floppy disk, which every FAT driver reads.
    await run('mformat', ['-C', '-i', image, '-v', 'CIDATA', '-f', '1440', '::'], { signal });
    await run('mcopy', ['-i', image, ...files, '::'], { signal });
    publishFile(image, path);
    rmSync(staging, { recursive: true, force: true });
  }
  for (const name of readdirSync(folder)) {
    if (/^seed-[0-9a-f]{12}\.img$/.test(name) && join(folder, name) !== path) rmSync(join(folder, name), { force: true });
  }
}
