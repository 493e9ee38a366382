import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Problem } from '@drover/shared/lib/problem';
import { run } from '../../agent/src/host/shell.ts';
import type { HostRecord } from './state.ts';

/** The lab's network: a bridge of this machine, with an address of its own on it, and one tap for each host. Names carry the lab's number. */

export const bridgeName = (subnet: number): string => `drover-lab${subnet}`;
export const gatewayOf = (subnet: number): string => `10.213.${subnet}.1`;
export const addressOf = (subnet: number, host: number): string => `10.213.${subnet}.${10 + host}`;
export const macOf = (subnet: number, host: number): string => `52:54:00:d0:${hex(subnet)}:${hex(host)}`;
export const tapName = (subnet: number, host: number): string => `lab${subnet}-${host}`;
/** What comes from a host passes here first, when it is throttled: the kernel queues only what leaves a device. */
const shaperName = (subnet: number, host: number): string => `labq${subnet}-${host}`;

const FORWARDING = '/proc/sys/net/ipv4/ip_forward';
const SUBNETS = 100;
/** Smallest first, as the lab is asked for again and again under the same name. */
const numbers = Array.from({ length: SUBNETS }, (_, index) => index + 1);

/** Takes a free number by making its bridge: the kernel gives each name once. */
export async function takeSubnet(): Promise<number> {
  for (const subnet of numbers) {
    const bridge = bridgeName(subnet);
    if (existsSync(`/sys/class/net/${bridge}`)) continue;
    const { code, stderr } = await run('ip', ['link', 'add', bridge, 'type', 'bridge', 'stp_state', '0', 'forward_delay', '0'], {
      okCodes: [0, 1, 2],
    });
    if (code === 0) return subnet;
    if (!/File exists/.test(stderr)) throw new Problem('host-failed', `the lab's bridge cannot be made: ${stderr.trim()}`);
  }
  throw new Problem('no-space', `${SUBNETS} labs are too many`, { suggestion: 'npm run lab -- down ends one' });
}

/** Gives whether this machine forwarded packets before. */
export async function raiseNetwork(subnet: number): Promise<boolean> {
  const bridge = bridgeName(subnet);
  await run('ip', ['address', 'add', `${gatewayOf(subnet)}/24`, 'dev', bridge]);
  await run('ip', ['link', 'set', bridge, 'up']);
  await nft(`table ip drover_lab${subnet} {
  chain postrouting {
    type nat hook postrouting priority srcnat;
    ip saddr 10.213.${subnet}.0/24 oifname != "${bridge}" masquerade
  }
}`);
  const forwardedBefore = readFileSync(FORWARDING, 'utf8').trim() === '1';
  if (!forwardedBefore) writeFileSync(FORWARDING, '1');
  return forwardedBefore;
}

/** Everything with the lab's number, whatever was made of it. */
export async function lowerNetwork(subnet: number, forwardedBefore: boolean): Promise<void> {
  const ours = new RegExp(`^(drover-lab${subnet}|labq?${subnet}-[0-9])$`);
  for (const name of readdirSync('/sys/class/net').filter((device) => ours.test(device))) await removeDevice(name);
  // Made first, so that there is one to delete.
  for (const [family, name] of [
    ['ip', `drover_lab${subnet}`],
    ['bridge', `drover_lab${subnet}`],
  ] as const)
    await nft(`table ${family} ${name}\ndelete table ${family} ${name}`);
  // Another lab, or Drover itself, may have come to need it meanwhile.
  const others = readdirSync('/sys/class/net').some((name) => /^(drover-lab|tap|drover)/.test(name));
  if (!forwardedBefore && !others) writeFileSync(FORWARDING, '0');
}

export async function plugTap(subnet: number, host: number): Promise<void> {
  const tap = tapName(subnet, host);
  await makeTap(tap);
  await run('ip', ['link', 'set', tap, 'master', bridgeName(subnet), 'up']);
}

export async function makeTap(tap: string): Promise<void> {
  await run('ip', ['tuntap', 'add', 'dev', tap, 'mode', 'tap']);
  // This machine itself does not speak on the host's wire.
  await run('ip', ['link', 'set', tap, 'addrgenmode', 'none', 'up']);
}

export async function removeDevice(name: string): Promise<void> {
  await run('ip', ['link', 'delete', name], { okCodes: [0, 1] });
}

/** What is cut, for all hosts at once: the rules are made anew from what is wanted. Frames vanish; the cards see no difference, as behind a broken switch. */
export async function applyCuts(subnet: number, hosts: readonly HostRecord[]): Promise<void> {
  const drops = (ways: readonly string[], key: string) =>
    hosts.flatMap(({ cut, tap }) => (cut !== null && ways.includes(cut) ? [`    ${key} "${tap}" drop`] : [])).join('\n');
  const table = `bridge drover_lab${subnet}`;
  await nft(`table ${table}
delete table ${table}
table ${table} {
  chain out {
    type filter hook prerouting priority -300;
${drops(['both', 'out'], 'iifname')}
  }
  chain in {
    type filter hook postrouting priority 300;
${drops(['both', 'in'], 'oifname')}
  }
}`);
}

/** At most so much each way; null: as much as it can. */
export async function throttle(subnet: number, host: number, kbit: number | null): Promise<void> {
  const tap = tapName(subnet, host);
  const shaper = shaperName(subnet, host);
  await run('tc', ['qdisc', 'delete', 'dev', tap, 'root'], { okCodes: [0, 2] });
  await run('tc', ['qdisc', 'delete', 'dev', tap, 'ingress'], { okCodes: [0, 2] });
  await removeDevice(shaper);
  if (kbit === null) return;
  // A quarter of a second may wait, as in a poor line's modem; and there must be room for one large frame of a card that segments by itself.
  const bucket = ['tbf', 'rate', `${kbit}kbit`, 'burst', String(Math.max(Math.ceil((kbit * 1_000) / 8 / 50), 66_000)), 'latency', '250ms'];
  await run('tc', ['qdisc', 'add', 'dev', tap, 'root', ...bucket]);
  await run('ip', ['link', 'add', shaper, 'type', 'ifb']);
  await run('ip', ['link', 'set', shaper, 'up']);
  await run('tc', ['qdisc', 'add', 'dev', shaper, 'root', ...bucket]);
  await run('tc', ['qdisc', 'add', 'dev', tap, 'ingress']);
  const all = ['protocol', 'all', 'u32', 'match', 'u32', '0', '0'];
  await run('tc', ['filter', 'add', 'dev', tap, 'parent', 'ffff:', ...all, 'action', 'mirred', 'egress', 'redirect', 'dev', shaper]);
}

/** Name servers that a host can ask as well as this machine can. */
export function nameServers(): readonly string[] {
  const text = existsSync('/etc/resolv.conf') ? readFileSync('/etc/resolv.conf', 'utf8') : '';
  return [...text.matchAll(/^nameserver\s+(\d+(?:\.\d+){3})\s*$/gm)]
    .map(([, address]) => address ?? '')
    .filter((address) => address !== '' && !address.startsWith('127.'));
}

async function nft(rules: string): Promise<void> {
  await run('nft', ['-f', '-'], { input: `${rules}\n` });
}

const hex = (number: number): string => number.toString(16).padStart(2, '0');
