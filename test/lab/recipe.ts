import { createHash } from 'node:crypto';
import type { ImageFiles } from '../../agent/src/drivers/image/debian-files.ts';

export type Release = 'trixie' | 'bookworm';
export const RELEASES: readonly Release[] = ['trixie', 'bookworm'];

/** What makes an image of a host, as data: its digest names the image, so a change of anything here makes a new one. */
export interface Recipe {
  readonly release: Release;
  readonly packages: readonly string[];
  readonly early: ImageFiles;
  readonly files: ImageFiles;
  /** Lines of shell that mmdebstrap runs at the end; $1 is the root of the image. Constant. */
  readonly hooks: readonly string[];
  readonly diskBytes: number;
}

/** What a Debian host has anyway, and what the lab speaks through. */
const BASE = [
  ...['linux-image-amd64', 'initramfs-tools', 'systemd-sysv', 'udev', 'dbus', 'login', 'kmod', 'zstd', 'apt', 'ca-certificates'],
  ...['netbase', 'iputils-ping', 'procps', 'less', 'curl', 'sudo', 'openssh-server', 'apparmor', 'qemu-guest-agent'],
];

/** What infra/packages.mjs names for a host (infra/packages.test.mjs compares), and Node.js for its agent. */
export const FOR_DROVER = [
  ...['qemu-system-x86', 'qemu-utils', 'ovmf', 'lxc', 'uidmap', 'iproute2', 'nftables', 'dnsmasq-base', 'mmdebstrap'],
  ...['debian-archive-keyring', 'ca-certificates', 'mtools', 'dosfstools', 'e2fsprogs', 'fdisk', 'tar', 'xz-utils', 'zstd'],
  'nodejs',
];

/** Storages and networks that the machine below has no kernel for. */
const BEYOND = ['lvm2', 'thin-provisioning-tools', 'nfs-kernel-server', 'nfs-common', 'btrfs-progs', 'xfsprogs'];

const UNITS = '/etc/systemd/system';
const lines = (...text: string[]) => ({ text: `${text.join('\n')}\n` });
const masked = (...units: string[]): ImageFiles => Object.fromEntries(units.map((unit) => [`${UNITS}/${unit}`, { link: '/dev/null' }]));

/** The card sits in this slot, hence the name that udev gives it. */
export const NIC = { slot: 8, name: 'enp0s8' } as const;

/**
 * Makes a host of its own of one that was saved: name, machine id, key of its SSH server, card, addresses, clock. Runs right after the resume;
 * what must last is in files, so that a reset and a power cut find it again. The kernel's random numbers were made anew before, by the VM generation id.
 */
const IDENTITY_SCRIPT = `#!/bin/sh
set -e
# lab-identity NAME MACHINE-ID MAC ADDRESS/BITS GATEWAY RESOLVERS
echo "$1" > /etc/hostname
echo "$1" > /proc/sys/kernel/hostname
printf '127.0.0.1 localhost\\n127.0.1.1 %s\\n::1 localhost\\n' "$1" > /etc/hosts
echo "$2" > /etc/machine-id
cat > /etc/systemd/network/10-lab.network <<END
[Match]
Name=${NIC.name}

[Network]
Address=$4
Gateway=$5
END
: > /etc/resolv.conf
for server in $6; do echo "nameserver $server" >> /etc/resolv.conf; done
ip link set ${NIC.name} down
ip link set ${NIC.name} address "$3"
networkctl reload
ip link set ${NIC.name} up
rm -f /etc/ssh/ssh_host_*
ssh-keygen -q -t ed25519 -N '' -C "root@$1" -f /etc/ssh/ssh_host_ed25519_key
# What was begun as the saved host: its journal would not be found under the new machine id.
rm -rf /var/log/journal/*
systemctl restart systemd-journald.service
systemctl --no-block restart ssh.service serial-getty@ttyS0.service getty@tty1.service
sync
`;

/** What the host sends leaves it later: its own kernel can do that, the one below may not. Kept, so that a reset finds it again. */
const DELAY_SCRIPT = `#!/bin/sh
# lab-delay MILLISECONDS | lab-delay kept
[ "$1" = kept ] || echo "$1" > /etc/lab-delay
sync
delay=$(cat /etc/lab-delay)
if [ "$delay" = 0 ]; then
  tc qdisc del dev ${NIC.name} root 2> /dev/null || true
else
  exec tc qdisc replace dev ${NIC.name} root netem limit 100000 delay "\${delay}ms"
fi
`;

const FILES: ImageFiles = {
  '/etc/fstab': lines('LABEL=root / ext4 errors=remount-ro 0 1'),
  '/etc/hostname': lines('lab-host'),
  // The saved host has one, as it has run; each host of a lab gets its own.
  '/etc/machine-id': { text: '' },
  '/etc/resolv.conf': { text: '' },
  '/etc/default/locale': lines('LANG=C.UTF-8'),
  '/usr/local/sbin/lab-identity': { text: IDENTITY_SCRIPT, mode: 0o755 },
  '/usr/local/sbin/lab-delay': { text: DELAY_SCRIPT, mode: 0o755 },
  [`${UNITS}/lab-delay.service`]: lines(
    ...['[Unit]', 'ConditionPathExists=/etc/lab-delay', 'Wants=network-pre.target', 'Before=network-pre.target'],
    ...['[Service]', 'Type=oneshot', 'ExecStart=/usr/local/sbin/lab-delay kept'],
  ),
  [`${UNITS}/multi-user.target.wants/lab-delay.service`]: { link: `${UNITS}/lab-delay.service` },
  // A root shell on the serial line, for "npm run lab -- console 1".
  [`${UNITS}/serial-getty@ttyS0.service.d/autologin.conf`]: lines(
    '[Service]',
    'ExecStart=',
    'ExecStart=-/sbin/agetty --autologin root --noclear --keep-baud 115200 - $TERM',
  ),
  [`${UNITS}/multi-user.target.wants/systemd-networkd.service`]: { link: '/usr/lib/systemd/system/systemd-networkd.service' },
  // Taken to the disk as it comes: a host whose power is pulled should have its log.
  '/etc/systemd/journald.conf.d/lab.conf': lines('[Journal]', 'Storage=persistent', 'SyncIntervalSec=5s'),
  // What costs seconds on an emulated processor, and which no test of Drover is about.
  ...masked(
    ...['systemd-networkd-wait-online.service', 'apt-daily.timer', 'apt-daily-upgrade.timer', 'dpkg-db-backup.timer'],
    ...['e2scrub_all.timer', 'e2scrub_reap.service', 'fstrim.timer', 'man-db.timer', 'systemd-pstore.service'],
    // Drover makes its own network; Debian's LXC would start a bridge.
    ...['lxc-net.service', 'lxc.service', 'lxc-monitord.service'],
    // Tests that want a server of NFS start it: at boot it takes ten seconds.
    ...['nfs-blkmap.service', 'sys-kernel-debug.mount', 'sys-kernel-tracing.mount', 'modprobe@drm.service', 'modprobe@efi_pstore.service'],
  ),
};

const HOOKS = [
  'rm -f "$1"/etc/apt/apt.conf.d/99mmdebstrap "$1"/etc/dpkg/dpkg.cfg.d/99mmdebstrap "$1"/etc/ssh/ssh_host_*',
  // For the boot before the saved state alone: without a key the server would fail again and again.
  'chroot "$1" ssh-keygen -q -t ed25519 -N "" -C lab -f /etc/ssh/ssh_host_ed25519_key',
  'chroot "$1" systemctl --quiet disable nfs-kernel-server.service nfs-server.service dnsmasq.service || true',
  'touch "$1"/etc/.updated "$1"/var/.updated',
];

const GiB = 2 ** 30;

export const recipeOf = (release: Release): Recipe => ({
  release,
  packages: [...new Set([...BASE, ...FOR_DROVER, ...BEYOND])].sort(),
  early: {
    '/etc/initramfs-tools/conf.d/lab': lines('MODULES=list', 'COMPRESS=zstd', 'COMPRESSLEVEL=3', 'FSTYPE=ext4'),
    '/usr/share/initramfs-tools/modules.d/lab': lines('virtio_pci', 'virtio_blk', 'ext4'),
  },
  files: FILES,
  hooks: HOOKS,
  diskBytes: 24 * GiB,
});

/** Sixteen digits are enough to tell images apart, and short in a path. */
export const digestOf = (what: unknown): string => createHash('sha256').update(JSON.stringify(what)).digest('hex').slice(0, 16);
