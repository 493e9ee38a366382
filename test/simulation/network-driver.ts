import { Problem, problemOfInput } from '@drover/shared/lib/problem';
import { z } from 'zod';
import type { Network, NetworkDriver } from '../../agent/src/drivers/network/driver.ts';
import { NatSettings } from '../../agent/src/drivers/network/nat-settings.ts';
import { ask, type Operator, operate } from './operate.ts';

/** NAT networks that are entries in a table, with the settings of the real ones. */
export function createSimulatedNetworkDriver(operator: Operator): NetworkDriver {
  return {
    name: 'nat',
    probe: async () => ({
      port: 'network',
      name: 'nat',
      title: 'Simulated NAT bridge',
      usable: true,
      configSchema: z.toJSONSchema(NatSettings),
      capabilities: { dhcp: true, dns: true },
    }),
    open(_id, config) {
      const settings = z.object({ config: NatSettings }).safeParse({ config });
      if (!settings.success) throw problemOfInput(settings.error, 'the settings of the network');
      return openNetwork(settings.data.config, operator);
    },
  };
}

function openNetwork({ bridge, subnet }: NatSettings, operator: Operator): Network {
  const { machine, life } = operator;
  const state = () => machine.network(bridge);
  return {
    bridge,
    ensure: (signal) =>
      operate(operator, 'prepare network', bridge, signal, [
        () => {
          Object.assign(state(), { ready: true, prefix: subnet.split('.').slice(0, 3).join('.') });
        },
      ]),
    ready: () => ask(operator, 'look at network', () => machine.networks.get(bridge)?.ready ?? false),
    exists: () => ask(operator, 'look at network', () => machine.networks.has(bridge)),
    remove: (signal) =>
      operate(operator, 'remove network', bridge, signal, [
        () => {
          if (machine.running.size > 0) throw new Problem('in-use', `guests are plugged into ${bridge}`);
          machine.networks.delete(bridge);
        },
      ]),
    register: ({ guestId, guestName, mac }) =>
      ask(operator, 'register guest', () => {
        state().registered.set(mac, { guestId, guestName });
      }),
    unregister: (mac) =>
      ask(operator, 'unregister guest', () => {
        state().registered.delete(mac);
        state().leases.delete(mac);
      }),
    addresses: (mac) =>
      ask(operator, 'look at leases', () => {
        const address = state().leases.get(mac);
        return address === undefined ? [] : [address];
      }),
    watch(changed) {
      const watcher = (mac: string) => {
        if (life.isAlive) changed(mac);
      };
      machine.leaseWatchers.add(watcher);
      return () => machine.leaseWatchers.delete(watcher);
    },
  };
}
