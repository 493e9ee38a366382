import { expect, it, vi } from 'vitest';
import { createManualClock } from '../../../test/control-plane/manual-clock.ts';
import { createChance } from '../../../test/simulation/chance.ts';
import { createSimulatedDrivers } from '../../../test/simulation/hypervisor.ts';
import { realLife } from '../../../test/simulation/life.ts';
import { Machine } from '../../../test/simulation/machine.ts';
import { fairWeather } from '../../../test/simulation/weather.ts';
import { takeInventory } from './inventory.ts';

const WAIT = { timeout: 20_000, interval: 10 };

it('what the host is is said at once; its long lists when they were looked at; and what changes meanwhile, without a restart', async () => {
  const clock = createManualClock();
  const machine = new Machine('one', clock, fairWeather(createChance('inventory')));
  let noKvm: string | null = 'no KVM: there is no /dev/kvm';
  const about = await takeInventory({
    drivers: createSimulatedDrivers({ machine, life: realLife }),
    agent: { agentVersion: '0.1.0' },
    defaults: { storagePath: '/local', bridge: 'drover0' },
    whyNoKvm: () => noKvm,
    clock,
    log: () => {},
  });
  expect(about.inventory()).toMatchObject({
    agentVersion: '0.1.0',
    kvm: { usable: false, reason: noKvm },
    processor: { threads: expect.any(Number) },
  });
  expect(about.inventory()).not.toHaveProperty('hardwareDigest');
  expect(about.hardware()).toBeNull();

  const changed = vi.fn();
  const stop = about.watch(changed);
  await vi.waitFor(() => expect(changed).toHaveBeenCalledTimes(1), WAIT);
  expect(about.inventory().hardwareDigest).toBe(about.hardware()?.digest);

  noKvm = null;
  await vi.waitFor(() => {
    clock.advance(600_000);
    expect(about.inventory().kvm).toEqual({ usable: true });
  }, WAIT);
  await vi.waitFor(() => expect(changed.mock.calls.length).toBeGreaterThan(1), WAIT);
  stop();
}, 60_000);
