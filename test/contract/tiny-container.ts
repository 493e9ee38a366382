import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ContainerSpec } from '@drover/shared/model/guest';
import { ContainerSpec as ContainerSpecSchema, MiB, macOf } from '@drover/shared/model/guest';

const BUSYBOX = '/bin/busybox';

/** Is there a busybox that needs no libraries? */
export const canMakeTinyRootfs = (): boolean => process.getuid?.() === 0 && existsSync(BUSYBOX) && existsSync('/usr/bin/lxc-start');

/** A root file system of busybox alone, which owns its files as root of an unprivileged container. Its init brings up eth0 by DHCP. */
export function makeTinyRootfs(path: string): void {
  for (const folder of ['bin', 'sbin', 'usr/bin', 'usr/sbin', 'etc', 'proc', 'sys', 'dev', 'tmp', 'root', 'var', 'run']) {
    mkdirSync(join(path, folder), { recursive: true });
  }
  copyFileSync(BUSYBOX, join(path, 'bin/busybox'));
  execFileSync('chroot', [path, '/bin/busybox', '--install', '-s']);
  writeFileSync(join(path, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  writeFileSync(join(path, 'etc/group'), 'root:x:0:\n');
  writeFileSync(join(path, 'etc/hosts'), '127.0.0.1\tlocalhost\n');
  writeFileSync(join(path, 'etc/inittab'), '::sysinit:/etc/rc\n::respawn:/bin/sleep 1000000\n');
  writeFileSync(join(path, 'etc/rc'), RC);
  writeFileSync(join(path, 'etc/udhcpc'), UDHCPC);
  for (const program of ['etc/rc', 'etc/udhcpc']) chmodSync(join(path, program), 0o755);
  chmodSync(join(path, 'tmp'), 0o1777);
  execFileSync('chown', ['-hR', '100000:100000', path]);
}

const RC = `#!/bin/sh
hostname -F /etc/hostname
ip link set lo up
[ -e /sys/class/net/eth0 ] && udhcpc -b -i eth0 -s /etc/udhcpc >/dev/null 2>&1 &
`;

const UDHCPC = `#!/bin/sh
[ "$1" = bound ] || exit 0
ip addr flush dev "$interface"
ip addr add "$ip/$mask" dev "$interface"
ip route add default via "$router"
`;

export function tinyContainerSpec(id: number): ContainerSpec {
  return ContainerSpecSchema.parse({
    type: 'container',
    name: 'tiny',
    tags: [],
    notes: '',
    power: 'off',
    powerRequest: 0,
    startAtBoot: false,
    memoryBytes: 64 * MiB,
    cores: 1,
    disks: [{ name: 'root', storageId: 'storage_contract1', sizeBytes: 64 * MiB, imageId: null }],
    nics: [{ name: 'net0', networkId: 'network_contract1', mac: macOf(id, 0) }],
    sshKeys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB tester'],
    swapBytes: 0,
    processesMax: 128,
    unprivileged: true,
  });
}
