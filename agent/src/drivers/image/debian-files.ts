import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Files that a Debian image gets beside its packages, as data: path → text, or the target of a link. */
export type ImageFiles = Readonly<Record<string, { readonly text: string; readonly mode?: number } | { readonly link: string }>>;

const UNITS = '/etc/systemd/system';
const masked = (...units: string[]): ImageFiles => Object.fromEntries(units.map((unit) => [`${UNITS}/${unit}`, { link: '/dev/null' }]));
const enabled = (target: string, ...units: string[]): ImageFiles =>
  Object.fromEntries(units.map((unit) => [`${UNITS}/${target}.wants/${unit}`, { link: `/usr/lib/systemd/system/${unit}` }]));
const lines = (...text: string[]) => ({ text: `${text.join('\n')}\n` });

/**
 * DHCP on every Ethernet card, known to the server by its MAC alone: a clone must not look like its origin. The name comes with the guest, not
 * from the network. Other guests are found by their bare names: in the network's domain, and not by asking whoever listens (LLMNR), which
 * anybody may answer, and which is answered with addresses that no program can use.
 */
export const NETWORKD_DHCP = lines(
  ...['[Match]', 'Type=ether', ''],
  ...['[Network]', 'DHCP=yes', 'LLMNR=no', ''],
  ...['[DHCPv4]', 'ClientIdentifier=mac', 'UseHostname=no', 'UseDomains=yes'],
);

const common: ImageFiles = {
  // Empty, so that each guest makes one of its own at its first boot, without counting as "first boot" with its questions.
  '/etc/machine-id': { text: '' },
  '/etc/resolv.conf': { link: '../run/systemd/resolve/stub-resolv.conf' },
  '/etc/default/locale': lines('LANG=C.UTF-8'),
  '/etc/systemd/network/80-drover-dhcp.network': NETWORKD_DHCP,
  ...enabled('multi-user.target', 'systemd-networkd.service'),
  ...enabled('sockets.target', 'systemd-networkd.socket'),
  ...enabled('sysinit.target', 'systemd-resolved.service'),
  // A guest that waits for "online" would wait for every card, plugged in or not.
  ...masked('systemd-networkd-wait-online.service'),
  // Two downloads a day in each of a hundred guests: whoever wants them unmasks them.
  ...masked('apt-daily.timer', 'apt-daily-upgrade.timer', 'e2scrub_all.timer', 'e2scrub_reap.service'),
};

/** Whoever may open the console of a guest may also change its disks: a password there would keep out nobody but its owner. */
const autologin = (term: string) =>
  lines('[Service]', 'ExecStart=', `ExecStart=-/sbin/agetty --autologin root --noclear --keep-baud ${term}`);

export const CONTAINER_FILES: ImageFiles = {
  ...common,
  [`${UNITS}/console-getty.service.d/autologin.conf`]: autologin('console 115200,38400,9600 $TERM'),
  ...enabled('getty.target', 'console-getty.service'),
  // What a container may not do, and would only report as failed.
  ...masked(
    'systemd-modules-load.service',
    'systemd-udevd.service',
    'systemd-udevd-kernel.socket',
    'systemd-udevd-control.socket',
    'systemd-pstore.service',
    'sys-kernel-debug.mount',
    'sys-kernel-tracing.mount',
    'sys-kernel-config.mount',
    'sys-fs-fuse-connections.mount',
    'dev-hugepages.mount',
    'proc-sys-fs-binfmt_misc.automount',
    'proc-sys-fs-binfmt_misc.mount',
    'getty-static.service',
  ),
};

/**
 * `lsm`: Debian's own list without those that nobody uses unless they set them up; attaching the one of BPF alone takes 2.5 s on an emulated processor.
 * `cryptomgr.notests`: the kernel's tests of its own ciphers take longer still.
 */
export const KERNEL_OPTIONS = [
  'root=LABEL=root rw rootfstype=ext4',
  'console=tty0 console=ttyS0,115200 quiet loglevel=4',
  'lsm=landlock,lockdown,yama,apparmor cryptomgr.notests=1',
].join(' ');

/** Keeps the EFI partition's kernels those of /boot, whenever Debian installs, rebuilds or removes one. Runs in the guest. */
const ESP_HOOK = `#!/bin/sh
set -e
# add VERSION | remove VERSION; as root of the guest, called by the kernel's and the initramfs's hooks.
esp=/boot/efi
[ -d "$esp" ] || exit 0
mountpoint -q "$esp" || mount "$esp" || exit 0
entry="$esp/loader/entries/debian-$2.conf"
folder="$esp/EFI/debian/$2"
if [ "$1" = remove ]; then
  rm -rf "$folder" "$entry"
elif [ -e "/boot/vmlinuz-$2" ] && [ -e "/boot/initrd.img-$2" ]; then
  mkdir -p "$folder" "$esp/loader/entries"
  cp "/boot/vmlinuz-$2" "$folder/linux"
  cp "/boot/initrd.img-$2" "$folder/initrd"
  printf 'title Debian\\nsort-key debian\\nversion %s\\nlinux /EFI/debian/%s/linux\\ninitrd /EFI/debian/%s/initrd\\noptions ${KERNEL_OPTIONS}\\n' "$2" "$2" "$2" > "$entry"
fi
sync -f "$esp"
`;
const hook = (call: string) => ({ text: `#!/bin/sh\nexec /usr/local/sbin/drover-esp ${call}\n`, mode: 0o755 });

/** Nothing but the disk's size decides: costs a shell at each boot, and the tools of systemd only when there is room to take. */
const GROW = `#!/bin/sh
root=$(findmnt --noheadings --output SOURCE /)
part=$(basename "$root")
sys=$(readlink -f "/sys/class/block/$part")
disk=$(basename "$(dirname "$sys")")
end=$(($(cat "$sys/start") + $(cat "$sys/size")))
[ $(($(cat "/sys/class/block/$disk/size") - end)) -gt 8192 ] || exit 0
systemd-repart --dry-run=no --no-pager "/dev/$disk" && /usr/lib/systemd/systemd-growfs /
`;

const unit = (name: string, wantedBy: string, ...text: string[]): ImageFiles => ({
  [`${UNITS}/${name}`]: lines(...text),
  [`${UNITS}/${wantedBy}.wants/${name}`]: { link: `${UNITS}/${name}` },
});

/** systemd 252 does not take its host name from the credential that Drover passes; later ones do. */
const HOSTNAME_UNIT = unit(
  'drover-hostname.service',
  'sysinit.target',
  '[Unit]',
  'DefaultDependencies=no',
  'Before=sysinit.target systemd-networkd.service',
  'ConditionPathExists=/run/credentials/@system/system.hostname',
  'ConditionPathExists=!/etc/hostname',
  '',
  '[Service]',
  'Type=oneshot',
  `ExecStart=/bin/sh -c 'cat /run/credentials/@system/system.hostname > /proc/sys/kernel/hostname'`,
);

const VM: ImageFiles = {
  ...common,
  '/etc/fstab': lines('LABEL=root / ext4 errors=remount-ro 0 1', 'LABEL=ESP /boot/efi vfat umask=0077,noauto 0 0'),
  '/boot/efi/.empty': { text: '' },
  // Loaded for every machine with UEFI, and of use only to read crash records out of its variables.
  '/etc/modprobe.d/drover.conf': lines('blacklist efi_pstore'),
  '/etc/repart.d/50-root.conf': lines('[Partition]', 'Type=root'),
  '/usr/local/sbin/drover-grow': { text: GROW, mode: 0o755 },
  ...unit(
    'drover-grow.service',
    'multi-user.target',
    '[Unit]',
    'Description=Grow the root file system to the size of its disk',
    'After=systemd-networkd.service',
    '',
    '[Service]',
    'Type=oneshot',
    'ExecStart=/usr/local/sbin/drover-grow',
  ),
  ...enabled('getty.target', 'serial-getty@ttyS0.service'),
  [`${UNITS}/serial-getty@ttyS0.service.d/autologin.conf`]: autologin('115200,57600,38400,9600 - $TERM'),
  // No image may carry keys: each guest makes its own. Of one kind, which every client knows: RSA takes half a minute on an emulated processor.
  ...unit(
    'drover-ssh-key.service',
    'ssh.service',
    '[Unit]',
    'Description=Make the SSH host key of this guest',
    'After=systemd-networkd.service',
    'Before=ssh.service ssh.socket',
    'ConditionPathExists=!/etc/ssh/ssh_host_ed25519_key',
    '',
    '[Service]',
    'Type=oneshot',
    'ExecStart=/usr/bin/ssh-keygen -q -t ed25519 -N "" -f /etc/ssh/ssh_host_ed25519_key',
  ),
  '/usr/local/sbin/drover-esp': { text: ESP_HOOK, mode: 0o755 },
  '/etc/kernel/postinst.d/zz-drover-esp': hook('add "$1"'),
  '/etc/kernel/postrm.d/zz-drover-esp': hook('remove "$1"'),
  '/etc/initramfs/post-update.d/zz-drover-esp': hook('add "$1"'),
  // What a virtual machine of this kind has no use for: each costs up to a second where the processor is emulated. `systemctl unmask` brings it back.
  ...masked(
    'getty@tty1.service',
    'systemd-repart.service',
    'systemd-pstore.service',
    'systemd-hibernate-clear.service',
    'systemd-udev-load-credentials.service',
    'systemd-binfmt.service',
    'proc-sys-fs-binfmt_misc.automount',
    'dev-hugepages.mount',
    'sys-kernel-config.mount',
    'sys-kernel-debug.mount',
    'sys-kernel-tracing.mount',
    'sys-fs-fuse-connections.mount',
    'modprobe@drm.service',
    'modprobe@efi_pstore.service',
    'dpkg-db-backup.timer',
  ),
  ...Object.fromEntries(
    [
      'systemd-bless-boot-generator',
      'systemd-cryptsetup-generator',
      'systemd-gpt-auto-generator',
      'systemd-hibernate-resume-generator',
      'systemd-integritysetup-generator',
      'systemd-rc-local-generator',
      'systemd-ssh-generator',
      'systemd-system-update-generator',
      'systemd-sysv-generator',
      'systemd-tpm2-generator',
      'systemd-veritysetup-generator',
    ].map((name) => [`/etc/systemd/system-generators/${name}`, { link: '/dev/null' }]),
  ),
};

export const vmFiles = (suite: 'bookworm' | 'trixie'): ImageFiles => (suite === 'bookworm' ? { ...VM, ...HOSTNAME_UNIT } : VM);

/** Before the kernel is installed: its initrd holds what finds a virtio disk, and no more. */
export const INITRD_FILES: ImageFiles = {
  '/etc/initramfs-tools/conf.d/drover': lines('MODULES=list', 'COMPRESS=zstd', 'COMPRESSLEVEL=3', 'FSTYPE=ext4'),
  '/usr/share/initramfs-tools/modules.d/drover': lines('virtio_pci', 'virtio_blk', 'virtio_net', 'ext4'),
};

/** Lays the files out under a folder, from where mmdebstrap takes them. */
export async function layOut(files: ImageFiles, folder: string): Promise<void> {
  for (const [path, file] of Object.entries(files)) {
    const to = join(folder, path);
    await mkdir(dirname(to), { recursive: true, mode: 0o755 });
    if ('link' in file) await symlink(file.link, to);
    else {
      await writeFile(to, file.text);
      await chmod(to, file.mode ?? 0o644);
    }
  }
}
