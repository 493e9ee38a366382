import { readFileSync, statSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { isAddressIn, type Subnet } from './nat-settings.ts';

export interface Lease {
  readonly mac: string;
  readonly address: string;
  /** Null: for ever. */
  readonly expiresAtMs: number | null;
}

const LINE = /^(\d{1,12}) ([0-9a-f]{2}(?::[0-9a-f]{2}){5}) (\d{1,3}(?:\.\d{1,3}){3}) (\S{1,255}) (\S{1,1024})$/;
const FILE_CHARS_MAX = 16 * 2 ** 20;

/** dnsmasq's lease file. Host name and client id come from guests: not kept; a line that is not exactly a lease of this subnet is no lease. */
export function parseLeases(text: string, subnet: Subnet): readonly Lease[] {
  const leases: Lease[] = [];
  for (const line of text.slice(0, FILE_CHARS_MAX).split('\n')) {
    const [, expires, mac, address] = LINE.exec(line) ?? [];
    if (!expires || !mac || !address || !isAddressIn(subnet, address)) continue;
    leases.push({ mac, address, expiresAtMs: expires === '0' ? null : Number(expires) * 1000 });
  }
  return leases;
}

/** The lease file without the leases of MACs that `keep` refuses; every other line stays as it is. */
export function withoutLeases(text: string, keep: (mac: string) => boolean): string {
  return text
    .split('\n')
    .filter((line) => {
      const mac = LINE.exec(line)?.[2];
      return mac === undefined || keep(mac);
    })
    .join('\n');
}

/** Reads a lease file when it has changed, and not otherwise. */
export class LeaseFile {
  private readonly path: string;
  private readonly subnet: Subnet;
  private stamp = '';
  private byMac: ReadonlyMap<string, readonly Lease[]> = new Map();

  constructor(path: string, subnet: Subnet) {
    this.path = path;
    this.subnet = subnet;
  }

  /** Addresses that a MAC holds at `nowMs`, in their own order. */
  addresses(mac: string, nowMs: number): readonly string[] {
    this.refresh();
    return (this.byMac.get(mac) ?? [])
      .filter((lease) => lease.expiresAtMs === null || lease.expiresAtMs > nowMs)
      .map((lease) => lease.address);
  }

  /** MACs that have a lease, held or run out. */
  macs(): readonly string[] {
    this.refresh();
    return [...this.byMac.keys()];
  }

  /** Calls `changed` with each MAC whose addresses are not what they were. */
  watch(changed: (mac: string) => void): () => void {
    this.refresh();
    const watcher = watch(dirname(this.path), { persistent: false }, (_event, name) => {
      if (name !== null && name !== basename(this.path)) return;
      const before = this.byMac;
      this.refresh();
      if (before === this.byMac) return;
      for (const mac of new Set([...before.keys(), ...this.byMac.keys()])) {
        if (addressesText(before.get(mac)) !== addressesText(this.byMac.get(mac))) changed(mac);
      }
    });
    // The folder went away with its network: nothing more will come.
    watcher.on('error', () => watcher.close());
    return () => watcher.close();
  }

  private refresh(): void {
    const stat = statSync(this.path, { bigint: true, throwIfNoEntry: false });
    const stamp = stat ? `${stat.ino}:${stat.size}:${stat.mtimeNs}` : 'missing';
    if (stamp === this.stamp) return;
    const byMac = new Map<string, Lease[]>();
    for (const lease of stat ? parseLeases(readFileSync(this.path, 'utf8'), this.subnet) : []) {
      byMac.set(lease.mac, [...(byMac.get(lease.mac) ?? []), lease]);
    }
    this.byMac = byMac;
    this.stamp = stamp;
  }
}

function addressesText(leases: readonly Lease[] | undefined): string {
  return (leases ?? []).map((lease) => lease.address).join(' ');
}
