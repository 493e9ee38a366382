/** The Debian packages that a host needs, each with its reason, and how they get there. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';

/** package → why. The agent says on the host's page what it cannot do without one of them. */
export const HOST_PACKAGES = {
  'qemu-system-x86': 'runs virtual machines',
  'qemu-utils': 'makes and converts their disks',
  'ovmf': 'their UEFI firmware',
  'lxc': 'runs containers',
  'uidmap': 'unprivileged containers',
  'iproute2': 'bridges and taps',
  'nftables': 'lets guests reach the network (NAT)',
  'dnsmasq-base': "guests' addresses and names (DHCP, DNS)",
  'mmdebstrap': 'builds Debian images',
  'debian-archive-keyring': "checks the signatures of Debian's mirror",
  'ca-certificates': 'checks who images are fetched from',
  'mtools': 'fills their EFI partition',
  'dosfstools': 'formats their EFI partition',
  'e2fsprogs': 'formats their root partition',
  'fdisk': 'partitions them',
  'tar': 'unpacks root file systems',
  'xz-utils': 'unpacks images (xz)',
  'zstd': 'unpacks images (zstd)',
};

/** Only where the kernel has it switched on: LXC's profile is loaded by its tools. */
const APPARMOR_PACKAGES = { 'apparmor': 'confines containers' };

/** Only for `npm test`. */
export const TEST_PACKAGES = {
  'busybox-static': 'the smallest guests',
  'procps': 'finds what a test left running',
  'chromium': 'the browser that tests the web pages',
  'git': 'tells which files are ours',
  'mosquitto': 'a broker to test against',
  'nats-server': 'a broker to test against',
  'slapd': 'a directory to sign in by',
  'openssh-client': 'adds hosts of the lab over ssh',
  'syslinux': 'boots the small virtual machine of the lab',
  'syslinux-common': 'what syslinux loads',
  'nbdkit': "the lab's disks, which lose what was not flushed",
};

export function hostPackages() {
  return { ...HOST_PACKAGES, ...(kernelHasAppArmor() ? APPARMOR_PACKAGES : {}) };
}

/** null when packages can be installed here, else why not. */
export function cannotInstall() {
  if (process.platform !== 'linux') return 'this is not Linux';
  if (process.getuid?.() !== 0) return 'that needs root';
  if (!existsSync('/etc/debian_version') || !existsSync('/usr/bin/apt-get')) return 'this is not Debian';
  return null;
}

/** Names among `wanted` that dpkg does not have. */
export function missingPackages(wanted) {
  const names = Object.keys(wanted);
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query has this form of its own.
  const { stdout } = spawnSync('dpkg-query', ['--show', '--showformat', '${db:Status-Status} ${Package}\n', ...names], {
    encoding: 'utf8',
  });
  const installed = new Set(
    (stdout ?? '').split('\n').flatMap((line) => (line.startsWith('installed ') ? [line.slice('installed '.length)] : [])),
  );
  return names.filter((name) => !installed.has(name));
}

/** Before this machine is a host: gives the names that are still missing. */
export async function ensureHostPackages() {
  const obstacle = cannotInstall();
  if (!obstacle) return ensurePackages(hostPackages(), { purpose: 'Running guests on this machine' });
  console.log(`No packages were looked for, as ${obstacle}: the host's page says what is missing to run guests.`);
  return [];
}

/**
 * Says which of `wanted` are missing and why, asks where somebody can answer, and installs them.
 * Gives the names that are still missing.
 */
export async function ensurePackages(wanted, { purpose }) {
  const missing = missingPackages(wanted);
  if (missing.length === 0) return [];
  console.log(
    `${purpose} needs ${missing.length === 1 ? 'a Debian package that is' : `${missing.length} Debian packages that are`} not here yet:`,
  );
  const width = Math.max(...missing.map((name) => name.length));
  for (const name of missing) console.log(`  ${name.padEnd(width)}  ${wanted[name]}`);
  if (process.stdin.isTTY && process.stdout.isTTY && !(await agreed())) return missing;
  keepLxcBridgeAway(missing);
  const endKeeping = keepServersAway(missing);
  console.log('Installing them with apt-get (this takes a minute or two) …');
  // Lists may be missing or old on a fresh machine; if they cannot be renewed, the installation itself says what is wrong.
  aptGet(['update']);
  const { status, output } = aptGet(['install', '--yes', '--no-install-recommends', ...missing]);
  endKeeping();
  const left = missingPackages(wanted);
  if (status === 0 && left.length === 0) {
    console.log('Installed.');
    return [];
  }
  console.error(`apt-get could not install ${left.join(', ')}:\n${lastLines(output, 12)}`);
  return left;
}

async function agreed() {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question('Install them now? [Y/n] ').finally(() => terminal.close());
  return /^(y|yes)?$/i.test(answer.trim());
}

function aptGet(args) {
  // Answers nothing, keeps the configuration files that are there, waits for another apt to end.
  const options = ['-o', 'Dpkg::Options::=--force-confold', '-o', 'Dpkg::Options::=--force-confdef', '-o', 'DPkg::Lock::Timeout=300', '-q'];
  const { status, stdout, stderr, error } = spawnSync('apt-get', [...options, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 64 * 2 ** 20,
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', NEEDRESTART_MODE: 'l', LC_ALL: 'C' },
  });
  return { status, output: `${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}` };
}

/** Debian's lxc starts a bridge and a dnsmasq of its own (lxcbr0). Drover makes its own network, so a fresh lxc is told not to; an lxc that was here keeps what it had. */
function keepLxcBridgeAway(missing) {
  const path = '/etc/default/lxc-net';
  if (!missing.includes('lxc') || existsSync(path)) return;
  writeFileSync(path, '# Written when Drover installed lxc: guests use the networks that Drover makes.\nUSE_LXC_BRIDGE="false"\n');
}

/** The tests start their own: Debian's must not listen here because of them, now or after the next boot. Gives what ends that. */
function keepServersAway(missing) {
  const servers = ['mosquitto', 'nats-server'].filter((name) => missing.includes(name));
  const policy = '/usr/sbin/policy-rc.d';
  if (servers.length === 0) return () => {};
  const isOurs = !existsSync(policy);
  if (isOurs) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  return () => {
    if (isOurs) rmSync(policy);
    // Where there is no systemd there is nothing to disable.
    for (const name of servers) spawnSync('systemctl', ['disable', `${name}.service`], { stdio: 'ignore' });
  };
}

function kernelHasAppArmor() {
  try {
    return readFileSync('/sys/module/apparmor/parameters/enabled', 'utf8').startsWith('Y');
  } catch {
    return false;
  }
}

const lastLines = (text, count) => text.trimEnd().split('\n').slice(-count).join('\n');
