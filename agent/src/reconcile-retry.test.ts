import { expect, it } from 'vitest';
import { WallClock } from '../../test/simulation/life.ts';
import { LoneHost } from '../../test/simulation/lone-host.ts';
import { GUEST, guest, STORAGE, storage } from '../../test/simulation/lone-wishes.ts';

let isBroken = true;

/** A guest whose start has failed often enough that the next attempt is seconds away. */
async function hostWithFailingGuest(wallClock = new WallClock()): Promise<LoneHost> {
  isBroken = true;
  const host = new LoneHost({
    wallClock,
    weather: { fate: (operation: string) => (isBroken && operation.startsWith('start') ? 'fails' : 'well') },
  });
  host.wish(STORAGE, 1, storage);
  host.wish(GUEST, 1, guest);
  await host.pass(12_000);
  expect(host.status(GUEST)).toMatchObject({ condition: 'waiting', problem: { code: 'host-failed' } });
  return host;
}

it('what waits for its next attempt says what went wrong, also when something else was missing meanwhile', async () => {
  const host = await hostWithFailingGuest();
  host.machine.storage('/local').away = true;
  host.wish(GUEST, 1, guest);
  await host.pass(0);
  expect(host.status(GUEST)).toMatchObject({ condition: 'waiting', waitingFor: expect.stringContaining('storage') });
  host.machine.storage('/local').away = false;
  host.wish(GUEST, 1, guest);
  await host.pass(0);
  expect(host.status(GUEST)).toMatchObject({ condition: 'waiting', problem: { code: 'host-failed' } });
});

it('the next attempt comes in time, also when the clock was set back meanwhile', async () => {
  const wallClock = new WallClock();
  const host = await hostWithFailingGuest(wallClock);
  isBroken = false;
  wallClock.jump(-900_000);
  await host.pass(60_000);
  expect(host.status(GUEST)).toMatchObject({ condition: 'settled', observed: { power: 'running' } });
});

it('a fresh wish has what it stands on tried again at once, though that was given up; one more failure gives it up again', async () => {
  let isFull = true;
  const host = new LoneHost({
    wallClock: new WallClock(),
    weather: { fate: (operation: string) => (isFull && operation === 'prepare storage' ? 'fails' : 'well') },
  });
  host.wish(STORAGE, 1, storage);
  host.wish(GUEST, 1, guest);
  await host.pass(180_000);
  const needsStorage = { condition: 'needs-attention', problem: { detail: expect.stringMatching(/^it needs its storage: /) } };
  expect(host.status(STORAGE)).toMatchObject({ condition: 'needs-attention' });
  expect(host.status(GUEST)).toMatchObject(needsStorage);

  host.wish(GUEST, 2, { ...guest, powerRequest: 2 });
  await host.pass(1_000);
  expect(host.status(STORAGE)).toMatchObject({ condition: 'needs-attention' });
  expect(host.status(GUEST)).toMatchObject({ acked: 2, ...needsStorage });

  isFull = false;
  host.wish(GUEST, 3, { ...guest, powerRequest: 3 });
  await host.pass(20_000);
  expect(host.status(GUEST)).toMatchObject({ condition: 'settled', observed: { power: 'running' } });
});

it('what others stand on is tried again each minute though it was given up: a storage that is back is used, and nobody had to ask', async () => {
  const host = new LoneHost({ wallClock: new WallClock() });
  host.machine.storage('/local').away = true;
  host.wish(STORAGE, 1, storage);
  host.wish(GUEST, 1, guest);
  await host.pass(180_000);
  expect(host.status(STORAGE)).toMatchObject({ condition: 'needs-attention' });
  host.machine.storage('/local').away = false;
  await host.pass(70_000);
  expect(host.status(GUEST)).toMatchObject({ condition: 'settled', observed: { power: 'running' } });
});
