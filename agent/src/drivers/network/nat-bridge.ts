import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { digest } from '@drover/shared/lib/digest';
import { Problem } from '@drover/shared/lib/problem';
import { z } from 'zod';
import { readTextIfThere } from '../../host/durable-file.ts';
import { run } from '../../host/shell.ts';
import { overlaps, type ParsedNatSettings, routesOf, type Subnet } from './nat-settings.ts';

const AddressList = z.array(
  z.object({ addr_info: z.array(z.object({ local: z.string().optional(), prefixlen: z.number().optional() })).default([]) }),
);

const sys = (bridge: string, file: string): string => `/sys/class/net/${bridge}/${file}`;

/** Our mark on a bridge: without it a bridge is somebody else's, and never touched. */
export const bridgeMark = (instance: string, networkId: string): string => `drover${instance} ${networkId}`;

/** Makes the bridge with its address, or what is missing of it. True when the bridge itself was made anew. */
export async function ensureBridge({ bridge, subnet }: ParsedNatSettings, mark: string, signal: AbortSignal): Promise<boolean> {
  const isNew = !existsSync(sys(bridge, ''));
  if (!isNew) await refuseForeign(bridge, mark, signal);
  const has = isNew ? [] : await addressesOf(bridge, signal);
  const wished = `${subnet.gateway}/${subnet.prefix}`;
  if (!has.includes(wished)) refuseOverlap(bridge, subnet);
  if (isNew) {
    const mac = macOfBridge(mark);
    await ip(signal, 'link', 'add', 'name', bridge, 'address', mac, 'type', 'bridge', 'stp_state', '0', 'forward_delay', '0');
  }
  if (markOf(bridge) !== mark) await ip(signal, 'link', 'set', 'dev', bridge, 'alias', mark);
  ignoreIpv6(bridge);
  for (const other of has.filter((address) => address !== wished)) await ip(signal, 'addr', 'del', other, 'dev', bridge);
  if (!has.includes(wished)) await ip(signal, 'addr', 'add', wished, 'brd', '+', 'dev', bridge);
  if (!isUp(bridge)) await ip(signal, 'link', 'set', 'dev', bridge, 'up');
  return isNew;
}

/** Is there a bridge of this name with our mark? */
export const isOwnBridge = (bridge: string, mark: string): boolean => markOf(bridge) === mark;

/** Is the bridge there, ours, up, and with its subnet? Reads files only. */
export function isBridgeReady({ bridge, subnet }: ParsedNatSettings, mark: string): boolean {
  if (markOf(bridge) !== mark || !isUp(bridge)) return false;
  return routesOf(readFileSync('/proc/net/route', 'latin1'), '').some((route) => route.device === bridge && route.subnet === subnet.text);
}

/** Removes the bridge if it is ours; refused while guests are plugged into it. */
export async function removeBridge(bridge: string, mark: string, signal: AbortSignal): Promise<void> {
  if (markOf(bridge) !== mark) return;
  const ports = portsOf(bridge);
  if (ports.length > 0) {
    throw new Problem('in-use', `guests are still plugged into bridge ${bridge}: ${ports.slice(0, 5).join(', ')}`, {
      suggestion: 'stop or delete the guests on this network first',
    });
  }
  await ip(signal, 'link', 'del', 'dev', bridge);
}

async function refuseForeign(bridge: string, mark: string, signal: AbortSignal): Promise<void> {
  if (!existsSync(sys(bridge, 'bridge'))) {
    throw new Problem('in-use', `the host has a device named ${bridge} that is no bridge`, { field: 'config.bridge' });
  }
  if (markOf(bridge) === mark) return;
  // A bridge without any mark, wire or address is one that an agent had just made when it was killed.
  const isBare = markOf(bridge) === '' && portsOf(bridge).length === 0 && (await addressesOf(bridge, signal)).length === 0;
  if (isBare) return;
  throw new Problem('in-use', `bridge ${bridge} exists on the host and belongs to something else`, {
    field: 'config.bridge',
    suggestion: 'choose another bridge for this network, or remove that one on the host',
  });
}

function refuseOverlap(bridge: string, subnet: Subnet): void {
  const other = routesOf(readFileSync('/proc/net/route', 'latin1'), bridge).find((route) => overlaps(route.subnet, subnet.text));
  if (!other) return;
  throw new Problem('conflict', `the host reaches ${other.subnet} through ${other.device} already; ${subnet.text} overlaps it`, {
    field: 'config.subnet',
    suggestion: 'choose a subnet that the host does not use',
  });
}

async function addressesOf(bridge: string, signal: AbortSignal): Promise<readonly string[]> {
  const { stdout } = await ip(signal, '-j', '-4', 'addr', 'show', 'dev', bridge);
  const links = AddressList.parse(JSON.parse(stdout || '[]'));
  return links.flatMap((link) => link.addr_info.flatMap(({ local, prefixlen }) => (local ? [`${local}/${prefixlen}`] : [])));
}

/** A guest could otherwise announce itself to the host as its IPv6 router. */
function ignoreIpv6(bridge: string): void {
  const setting = `/proc/sys/net/ipv6/conf/${bridge}/disable_ipv6`;
  if (existsSync(setting) && readFileSync(setting, 'latin1').trim() !== '1') writeFileSync(setting, '1');
}

function markOf(bridge: string): string | null {
  return readTextIfThere(sys(bridge, 'ifalias'))?.trim() ?? null;
}

function isUp(bridge: string): boolean {
  return (Number(readTextIfThere(sys(bridge, 'flags')) ?? 0) & 1) === 1;
}

function portsOf(bridge: string): readonly string[] {
  return existsSync(sys(bridge, 'brif')) ? readdirSync(sys(bridge, 'brif')) : [];
}

/** Fixed, because a bridge without an address of its own takes that of whichever guest came first. Guests' own begin otherwise (macOf). */
function macOfBridge(mark: string): string {
  return ['52', '54', '00', ...(digest(mark).slice(0, 6).match(/../g) ?? [])].join(':');
}

function ip(signal: AbortSignal, ...args: readonly string[]) {
  return run('ip', args, { signal, timeoutMs: 10_000 });
}
