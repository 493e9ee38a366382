import type { Clock } from '@drover/shared/lib/clock';
import { digest } from '@drover/shared/lib/digest';
import { Problem } from '@drover/shared/lib/problem';
import type { DriverDescription } from '@drover/shared/model/host';
import { NetworkId } from '@drover/shared/model/id';
import { z } from 'zod';
import type { AgentConfig } from '../../config.ts';
import { run } from '../../host/shell.ts';
import type { NetworkDriver } from './driver.ts';
import { NatNetwork } from './nat-network.ts';
import { natRuleset } from './nat-rules.ts';
import { NatSettings, parseNatSettings, subnetOf } from './nat-settings.ts';

/** A busy host, and a kernel that loads its firewall for the first time, take their time. */
const PROBE_MS = 20_000;

export interface NatDriverOptions {
  readonly config: AgentConfig;
  readonly clock: Clock;
  readonly log: (line: string) => void;
}

/** A bridge with DHCP and DNS (dnsmasq) whose guests reach the world by the host's own address (nftables masquerade). */
export function createNatNetworkDriver(options: NatDriverOptions): NetworkDriver {
  const opened = new Map<string, { readonly key: string; readonly network: NatNetwork }>();
  return {
    name: 'nat',
    probe,
    open(id, config) {
      const settings = parseNatSettings(config);
      const key = digest(config);
      const before = opened.get(id);
      if (before?.key === key) return before.network;
      // What is known of a network (its turn, its leases) is kept from one call to the next.
      const network = new NatNetwork(NetworkId.parse(id), settings, options);
      opened.set(id, { key, network });
      return network;
    },
  };
}

async function probe(): Promise<DriverDescription> {
  const checks = await Promise.allSettled([dnsmasqVersion(), nftVersion(), run('ip', ['-V'], { timeoutMs: PROBE_MS })]);
  const reasons = checks.flatMap((check) => (check.status === 'rejected' ? [Problem.from(check.reason).message] : []));
  const versions = checks
    .slice(0, 2)
    .flatMap((check) => (check.status === 'fulfilled' && typeof check.value === 'string' ? [check.value] : []));
  return {
    port: 'network',
    name: 'nat',
    title: 'NAT network',
    usable: reasons.length === 0,
    ...(reasons.length === 0 ? {} : { reason: reasons.join('; ') }),
    version: versions.join(', '),
    configSchema: z.record(z.string(), z.unknown()).parse(z.toJSONSchema(NatSettings)),
    capabilities: { addresses: true, names: true },
  };
}

async function dnsmasqVersion(): Promise<string> {
  const { stdout } = await run('dnsmasq', ['--version'], { timeoutMs: PROBE_MS });
  return `dnsmasq ${/version (\S+)/i.exec(stdout)?.[1] ?? 'unknown'}`;
}

/** A dry run of our own rules: also says when the kernel has no nftables or no NAT. */
async function nftVersion(): Promise<string> {
  const { stdout } = await run('nft', ['--version'], { timeoutMs: PROBE_MS });
  await run('nft', ['--check', '-f', '-'], {
    input: natRuleset('', { bridge: 'drover-probe', subnet: subnetOf('10.0.0.0/24') }),
    timeoutMs: PROBE_MS,
  });
  return `nftables ${/v(\S+)/.exec(stdout)?.[1] ?? 'unknown'}`;
}
