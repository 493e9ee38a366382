import type { InstalledPackage } from '@drover/shared/model/host';

/** What guests, disks and networks depend on, and what is asked for first when something is wrong. */
export const PACKAGES_THAT_MATTER: readonly string[] = [
  'drover-agent',
  'nodejs',
  'qemu-system-x86',
  'qemu-system-arm',
  'qemu-utils',
  'ovmf',
  'qemu-efi-aarch64',
  'swtpm',
  'lxc',
  'uidmap',
  'apparmor',
  'iproute2',
  'nftables',
  'dnsmasq-base',
  'mmdebstrap',
  'systemd',
  'lvm2',
  'zfsutils-linux',
  'smartmontools',
  'intel-microcode',
  'amd64-microcode',
];

/** For `dpkg-query --show --showformat`: one line for each package that dpkg knows by that name. */
// biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query has this form of its own.
export const DPKG_FORMAT = '${db:Status-Status} ${Package} ${Version}\n';

export function parseDpkg(text: string): InstalledPackage[] {
  return text.split('\n').flatMap((line) => {
    const [status, name, version] = line.split(' ');
    return status === 'installed' && name && version ? [{ name, version }] : [];
  });
}
