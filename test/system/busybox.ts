import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const APPLETS = [
  'sh',
  'init',
  'ip',
  'udhcpc',
  'cat',
  'echo',
  'ls',
  'poweroff',
  'halt',
  'reboot',
  'hostname',
  'sleep',
  'kill',
  'ps',
  'true',
  'false',
  'head',
  'wc',
  'id',
  'grep',
  'env',
];

const DHCP_SCRIPT = `#!/bin/sh
[ "$1" = bound ] || [ "$1" = renew ] || exit 0
ip addr flush dev "$interface"
ip addr add "$ip/$mask" dev "$interface"
[ -n "$router" ] && ip route add default via "$router"
: > /etc/resolv.conf
for server in $dns; do echo "nameserver $server" >> /etc/resolv.conf; done
`;

/** The smallest root file system that boots, takes an address and can power itself off: a second's work, unlike Debian's. `atBoot`: lines of shell for its end. Gives the path of a tar archive. */
export function makeBusyboxArchive(atBoot = ''): { path: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'drover-busybox-'));
  const root = join(folder, 'rootfs');
  for (const name of ['bin', 'sbin', 'etc', 'proc', 'sys', 'dev', 'tmp', 'root', 'run', 'var/log'])
    mkdirSync(join(root, name), { recursive: true });
  copyFileSync('/bin/busybox', join(root, 'bin/busybox'));
  for (const applet of APPLETS) symlinkSync('busybox', join(root, 'bin', applet));
  symlinkSync('../bin/busybox', join(root, 'sbin/init'));
  writeFileSync(join(root, 'etc/inittab'), '::sysinit:/bin/sh /etc/rc\n::respawn:/bin/sleep 86400\n::shutdown:/bin/sh /etc/down\n');
  writeFileSync(
    join(root, 'etc/rc'),
    'echo boot >> /var/log/boots\nip link set lo up\nip link set eth0 up\nudhcpc -i eth0 -s /etc/udhcpc.sh -b -t 20 -T 1 -A 1 >/var/log/dhcp 2>&1\n' +
      atBoot,
  );
  writeFileSync(join(root, 'etc/down'), 'echo down >> /var/log/downs\n');
  writeFileSync(join(root, 'etc/udhcpc.sh'), DHCP_SCRIPT);
  chmodSync(join(root, 'etc/udhcpc.sh'), 0o755);
  writeFileSync(join(root, 'etc/os-release'), 'ID=busybox\nPRETTY_NAME="Busybox"\n');
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\n');
  const path = join(folder, 'busybox.tar.gz');
  const made = spawnSync('tar', ['-czf', path, '--numeric-owner', '--owner=0', '--group=0', '-C', root, '.'], { encoding: 'utf8' });
  if (made.status !== 0) throw new Error(`tar: ${made.stderr}`);
  return { path, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
