import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Problem } from '@drover/shared/lib/problem';
import type { Progress } from '../progress.ts';
import { NETWORKD_DHCP } from './debian-files.ts';
import { giveTreeToSandbox, sandboxed } from './sandbox.ts';

/** Files that a foreign root file system may get, one for each of its ways to ask for an address. */
const KIT: Readonly<Record<string, string>> = {
  networkd: NETWORKD_DHCP.text,
  interfaces: 'auto lo\niface lo inet loopback\n\nauto eth0\niface eth0 inet dhcp\n',
  keyfile: '[connection]\nid=eth0\ntype=ethernet\ninterface-name=eth0\n\n[ipv4]\nmethod=auto\n\n[ipv6]\nmethod=auto\n',
  // An image of busybox alone has no init system: its own init is enough to keep an address and to end when it is told.
  inittab: [
    '::sysinit:/sbin/ifconfig lo 127.0.0.1 up',
    '::respawn:/sbin/udhcpc -f -i eth0 -t 10 -A 3',
    '::ctrlaltdel:/sbin/reboot',
    '::shutdown:/bin/kill -TERM -1',
    '',
  ].join('\n'),
};

/**
 * Runs in the sandbox, on the host's own programs: nothing of the archive is executed. A link in it can lead nowhere else.
 * Says on its output what was done; "no-init" and "no-dhcp" are for the caller.
 */
const ADOPT = `set -e
cd /mnt/rootfs
has() { [ -e "$1" ] || [ -L "$1" ]; }
has sbin/init || has usr/sbin/init || { echo no-init; exit 0; }
units=usr/lib/systemd
[ -d "$units/system" ] || units=lib/systemd
rm -f etc/machine-id; mkdir -p etc; : > etc/machine-id
rm -f etc/hostname etc/ssh/ssh_host_*_key etc/ssh/ssh_host_*_key.pub
if [ -d "$units/system" ]; then
  for unit in systemd-modules-load.service systemd-udevd.service systemd-udevd-kernel.socket systemd-udevd-control.socket \\
    sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount dev-hugepages.mount systemd-networkd-wait-online.service; do
    mkdir -p etc/systemd/system
    has "etc/systemd/system/$unit" || ln -s /dev/null "etc/systemd/system/$unit"
  done
  if [ -d etc/cloud ]; then : > etc/cloud/cloud-init.disabled; echo "cloud-init is switched off: it waits for data that is not there"; fi
  if has "$units/systemd-networkd"; then
    mkdir -p etc/systemd/network etc/systemd/system/multi-user.target.wants
    cat ../kit/networkd > etc/systemd/network/80-drover-dhcp.network
    ln -sf "/$units/system/systemd-networkd.service" etc/systemd/system/multi-user.target.wants/systemd-networkd.service
    if has "$units/systemd-resolved"; then
      ln -sf "/$units/system/systemd-resolved.service" etc/systemd/system/multi-user.target.wants/systemd-resolved.service
      rm -f etc/resolv.conf
      ln -s ../run/systemd/resolve/stub-resolv.conf etc/resolv.conf
    fi
    echo "address by systemd-networkd"; exit 0
  fi
  if has usr/sbin/NetworkManager; then
    mkdir -p etc/NetworkManager/system-connections
    cat ../kit/keyfile > etc/NetworkManager/system-connections/eth0.nmconnection
    chmod 600 etc/NetworkManager/system-connections/eth0.nmconnection
    echo "address by NetworkManager"; exit 0
  fi
fi
if has sbin/ifup || has usr/sbin/ifup; then
  if has sbin/openrc || [ -d "$units/system" ]; then
    mkdir -p etc/network
    grep -q '^iface eth0' etc/network/interfaces 2>/dev/null || cat ../kit/interfaces > etc/network/interfaces
    if has etc/init.d/networking && has sbin/openrc; then
      mkdir -p etc/runlevels/default
      has etc/runlevels/boot/networking || has etc/runlevels/default/networking || ln -s /etc/init.d/networking etc/runlevels/default/networking
    fi
    echo "address by ifupdown"; exit 0
  fi
fi
if has bin/busybox && ! has sbin/openrc && has sbin/udhcpc; then
  rm -f etc/inittab; cat ../kit/inittab > etc/inittab
  echo "address by busybox"; exit 0
fi
echo no-dhcp
`;

/** Makes a root file system from anywhere start in a container and ask for its address, in the way that it knows itself. */
export async function adoptRootfs(folder: string, progress: Progress, signal: AbortSignal): Promise<void> {
  const kit = join(folder, 'kit');
  await mkdir(kit);
  for (const [name, text] of Object.entries(KIT)) await writeFile(join(kit, name), text, { mode: 0o644 });
  await giveTreeToSandbox(kit);
  const { stdout } = await sandboxed('unpack', folder, 'sh', ['-c', ADOPT], { signal, timeoutMs: 60_000 });
  const said = stdout.trim().split('\n');
  if (said.includes('no-init'))
    throw new Problem('unsupported', 'the archive holds no init: it is made to run one program, not to start as a system', {
      field: 'source',
      suggestion: 'use a root file system of a whole system, such as those made for LXC',
    });
  for (const line of said)
    progress.log(line === 'no-dhcp' ? 'no DHCP client is known in this root file system: its guests begin without an address' : line);
}
