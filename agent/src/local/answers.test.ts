import { GuestSpec } from '@drover/shared/model/guest';
import { expect, it } from 'vitest';
import { LoneHost, type LoneHostOptions } from '../../../test/simulation/lone-host.ts';
import { GUEST, guest, STORAGE, storage } from '../../../test/simulation/lone-wishes.ts';

const MOMENT_MS = 5_000;
const never = new AbortController().signal;
const wished = (over: Partial<GuestSpec>) => GuestSpec.parse({ ...guest, ...over });

async function hostWithGuest(options: LoneHostOptions = {}): Promise<LoneHost> {
  const host = new LoneHost(options);
  host.wish(STORAGE, 1, storage);
  host.wish(GUEST, 1, guest);
  await host.pass(MOMENT_MS);
  expect(host.machine.running.size).toBe(1);
  return host;
}

/** What came of it, once the host's own time has passed. */
async function asked(host: LoneHost, power: GuestSpec['power'], name = 'web'): Promise<string> {
  const done = host.answers.power(name, power, never).catch((error: unknown) => String(error));
  await host.pass(MOMENT_MS);
  return done;
}

it('a guest that is stopped on its host stays so, and says so, until somebody asks the control plane anew', async () => {
  const host = await hostWithGuest();
  expect(await asked(host, 'off')).toMatch(/^Guest web is stopped\./);
  await host.pass(120_000);
  expect(host.machine.running.size).toBe(0);
  expect(host.status(GUEST)).toMatchObject({ condition: 'settled', applied: 1, observed: { power: 'stopped', local: { power: 'off' } } });
  // Another change is none of its power.
  host.wish(GUEST, 2, wished({ notes: 'changed' }));
  await host.pass(MOMENT_MS);
  expect(host.machine.running.size).toBe(0);
  host.wish(GUEST, 3, wished({ powerRequest: 2 }));
  await host.pass(MOMENT_MS);
  expect(host.machine.running.size).toBe(1);
  expect(host.status(GUEST).observed).not.toHaveProperty('local');
});

it('a guest can be started on its host against the wish, and again after it has powered itself off', async () => {
  const host = await hostWithGuest();
  host.wish(GUEST, 2, wished({ power: 'off', powerRequest: 2 }));
  await host.pass(MOMENT_MS);
  for (let time = 0; time < 2; time += 1) {
    expect(await asked(host, 'running', '107')).toMatch(/^Guest web runs\./);
    expect(host.machine.running.size).toBe(1);
    const running = host.machine.running.get(107) ?? expect.fail();
    host.machine.end(running, 'self');
    await host.pass(120_000);
    expect(host.machine.running.size).toBe(0);
  }
  expect(host.answers.guests()).toMatchObject([{ id: 107, power: 'stopped', local: { power: 'running' } }]);
});

it('while the agent is paused nothing is done, but what somebody on the host asks for; then all that was wished meanwhile', async () => {
  const host = await hostWithGuest();
  host.answers.pause('a disk is being replaced');
  host.wish(GUEST, 2, wished({ power: 'off', powerRequest: 2 }));
  await host.pass(120_000);
  expect(host.machine.running.size).toBe(1);
  expect(host.status(GUEST)).toMatchObject({ condition: 'waiting', waitingFor: 'the pause on its host to end', acked: 2 });
  expect(host.answers.status()).toMatchObject({ paused: { reason: 'a disk is being replaced' }, guests: { running: 1, total: 1 } });
  await asked(host, 'off');
  expect(host.machine.running.size).toBe(0);
  await asked(host, 'running');
  expect(host.machine.running.size).toBe(1);
  host.wish(GUEST, 3, wished({ power: 'off', powerRequest: 3 }));
  await host.pass(MOMENT_MS);
  expect(host.machine.running.size).toBe(1);
  host.answers.resume();
  await host.pass(MOMENT_MS);
  expect(host.machine.running.size).toBe(0);
  expect(host.introductions).toBe(2);
});

it('says why a guest does not start, and what there is no guest of', async () => {
  const host = new LoneHost();
  host.wish(GUEST, 1, wished({ power: 'off' }));
  await host.pass(MOMENT_MS);
  expect(await asked(host, 'running')).toMatch(/no storage storage_00000001/);
  expect(await asked(host, 'running', 'wbe')).toMatch(/no guest wbe/);
});
