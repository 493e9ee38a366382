import { GuestSpec } from '@drover/shared/model/guest';
import { expect, it } from 'vitest';
import { LoneHost, type LoneHostOptions } from '../../test/simulation/lone-host.ts';
import { GUEST, guest, STORAGE, storage } from '../../test/simulation/lone-wishes.ts';

const MOMENT_MS = 5_000;
const refOf = (id: number) => ({ kind: 'guest', id: String(id) }) as const;

async function hostWith(guests: Readonly<Record<number, Partial<GuestSpec>>>, options: LoneHostOptions = {}): Promise<LoneHost> {
  const host = new LoneHost(options);
  host.wish(STORAGE, 1, storage);
  for (const [id, over] of Object.entries(guests)) host.wish(refOf(Number(id)), 1, GuestSpec.parse({ ...guest, ...over }));
  await host.pass(MOMENT_MS);
  expect(host.machine.running.size).toBe(Object.keys(guests).length);
  return host;
}

const down = (host: LoneHost) => host.said.filter((line) => / is down$|stopped$/.test(line)).map((line) => line.split(' ')[0]);

it('guests are shut down in the reverse of their order, those without one first', async () => {
  const guests = { 107: { name: 'db', startOrder: 1 }, 108: { name: 'web', startOrder: 2 }, 109: { name: 'other' } };
  const host = await hostWith(guests, { weather: { shutdownMs: () => 3_000 } });
  const done = host.answers.hostDown();
  await host.pass(60_000);
  await done;
  expect(down(host)).toEqual(['other', 'web', 'db']);
  expect(host.machine.running.size).toBe(0);
});

it('nothing is started again, and each has gone down with the host', async () => {
  const host = await hostWith({ 107: { name: 'db' } });
  const done = host.answers.hostDown();
  await host.pass(600_000);
  await done;
  expect(host.machine.running.size).toBe(0);
  expect(host.status(GUEST)).toMatchObject({ observed: { power: 'stopped', end: 'host' } });
  host.wish(GUEST, 2, GuestSpec.parse({ ...guest, name: 'db', powerRequest: 2 }));
  await host.pass(MOMENT_MS);
  expect(host.machine.running.size).toBe(0);
  expect(host.status(GUEST)).toMatchObject({ waitingFor: 'its host, which is going down' });
});

it('one that does not listen is stopped when its time is over, and only then comes the next', async () => {
  const guests = { 107: { name: 'db', startOrder: 1 }, 108: { name: 'web', startOrder: 2, shutdownTimeoutS: 30 } };
  const host = await hostWith(guests, { weather: { shutdownMs: (id) => (id === 108 ? null : 1_000) } });
  const done = host.answers.hostDown();
  await host.pass(25_000);
  expect([...host.machine.running.keys()].sort()).toEqual([107, 108]);
  await host.pass(35_000);
  await done;
  expect(host.said).toContain('web did not shut down within 30 s: it is stopped');
  expect(host.machine.running.size).toBe(0);
  expect(host.status(refOf(108))).toMatchObject({ observed: { end: 'host' } });
});
