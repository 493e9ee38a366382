import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { realClock } from '@drover/shared/lib/clock';
import { describe } from 'vitest';
import { AgentConfig } from '../../agent/src/config.ts';
import { createNatNetworkDriver } from '../../agent/src/drivers/network/nat.ts';
import { run } from '../../agent/src/host/shell.ts';
import { describeNetworkDriver } from './network-driver.ts';

const canRun = process.getuid?.() === 0 && existsSync('/usr/sbin/nft') && existsSync('/usr/sbin/dnsmasq') && existsSync('/bin/busybox');
const BRIDGE = 'drvnat-c0';

const configIn = (folder: string): AgentConfig =>
  AgentConfig.parse({
    controlPlaneUrl: 'http://localhost:1',
    dataPath: join(folder, 'data'),
    runPath: join(folder, 'run'),
    instance: 'ctn',
    storagePaths: [folder],
    bridges: [BRIDGE],
  });

describe.skipIf(!canRun)('nat', () => {
  describeNetworkDriver({
    prefix: 'dctn',
    networkId: 'network_contract1',
    config: { bridge: BRIDGE, subnet: '10.254.37.0/24' },
    make: (folder) => createNatNetworkDriver({ config: configIn(folder), clock: realClock, log: () => {} }),
    refused: [
      { config: { bridge: BRIDGE, subnet: '8.8.8.0/24' }, field: 'config.subnet' },
      { config: { bridge: BRIDGE, subnet: '10.254.37.1/24' }, field: 'config.subnet' },
      { config: { bridge: BRIDGE, subnet: '10.254.37.0/24\n' }, field: 'config.subnet' },
      { config: { bridge: 'a"b', subnet: '10.254.37.0/24' }, field: 'config.bridge' },
      { config: { bridge: BRIDGE, subnet: '10.254.37.0/24', dns: 'x' }, field: 'dns' },
      { config: null, field: 'config' },
    ],
    hostState,
  });
});

/** The host's firewall, this suite's devices and processes; without tables of agents that run beside the tests. */
async function hostState(): Promise<string> {
  const rules = await run('nft', ['list', 'ruleset']);
  const tables = rules.stdout.split(/^(?=table )/m).filter((table) => !/^table inet drover(?!ctn)/.test(table));
  const bridge = await run('ip', ['-o', 'addr', 'show', 'dev', BRIDGE], { okCodes: [0, 1] });
  const processes = await run('pgrep', ['-a', '-f', 'networks/network_contract1/'], { okCodes: [0, 1] });
  const routes = readFileSync('/proc/net/route', 'utf8')
    .split('\n')
    .filter((line) => line.includes(BRIDGE));
  return [...tables, bridge.stdout, processes.stdout, ...routes].join('\n');
}
