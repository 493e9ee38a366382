import { HostId } from '@drover/shared/model/id';
import { expect, it } from 'vitest';
import { createChance } from '../../test/simulation/chance.ts';
import { createSimulatedDisk, emptyDisk } from '../../test/simulation/disk.ts';
import { createSimulatedDrivers, simulatedInventory } from '../../test/simulation/hypervisor.ts';
import { MortalLife, realLife } from '../../test/simulation/life.ts';
import { Machine } from '../../test/simulation/machine.ts';
import { Timeline } from '../../test/simulation/timeline.ts';
import { fairWeather } from '../../test/simulation/weather.ts';
import { startAgent } from './agent.ts';
import { Journal } from './journal.ts';

it('lets go of its guests when it ends', async () => {
  const left: string[] = [];
  const life = new MortalLife(new Timeline(1_000_000));
  const chance = createChance('agent');
  const machine = new Machine('one', life.clock, fairWeather(chance));
  const drivers = createSimulatedDrivers({ machine, life });
  const noted = (type: 'vm' | 'container') => ({ ...drivers.guests[type], leave: () => void left.push(type) });
  const agent = startAgent({
    hostId: HostId.parse('host_0123456789'),
    journal: new Journal(createSimulatedDisk(emptyDisk(), realLife), '/journal', 'boot', 0),
    drivers: { ...drivers, guests: { vm: noted('vm'), container: noted('container') } },
    link: { open() {}, send() {}, close: async () => {} },
    clock: life.clock,
    random: chance,
    inventory: await simulatedInventory(machine, drivers),
    dialRelay: () => Promise.reject(new Error('there is no relay')),
    log() {},
  });
  await agent.stop('ended by the test');
  expect(left.sort()).toEqual(['container', 'vm']);
});
