import { existsSync, rmSync } from 'node:fs';
import { runProgram } from '../run-program.ts';

/** package → a file of its by which it is seen to be there. */
const PACKAGES: Readonly<Record<string, string>> = {
  'lxd': '/usr/bin/lxd',
  'lxd-client': '/usr/bin/lxc',
  'btrfs-progs': '/usr/sbin/mkfs.btrfs',
  'libvirt-daemon-system': '/usr/sbin/libvirtd',
  'libvirt-clients': '/usr/bin/virsh',
};
/** By this link libvirt would make a bridge and a DHCP server at its start. */
const LIBVIRT_NETWORK = '/etc/libvirt/qemu/networks/autostart/default.xml';

/** Installs Debian's packages of the peers where they are missing, and says how to be rid of them: nothing is taken away that somebody may use by then. */
export async function ensurePeers(say: (line: string) => void): Promise<void> {
  const missing = Object.entries(PACKAGES).flatMap(([name, path]) => (existsSync(path) ? [] : [name]));
  if (missing.length === 0) return;
  say(`for --peers these packages are installed: ${missing.join(', ')}`);
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  await runProgram('apt-get', ['update', '-q'], { env });
  await runProgram('apt-get', ['install', '-q', '--yes', '--no-install-recommends', ...missing], { env });
  if (missing.includes('libvirt-daemon-system')) rmSync(LIBVIRT_NETWORK, { force: true });
  say(`apt-get purge --autoremove ${missing.join(' ')} takes them away again`);
}
