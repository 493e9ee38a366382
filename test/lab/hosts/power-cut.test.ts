import type { GuestView, TaskView } from '@drover/shared/api/views';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Chance, createChance } from '../../simulation/chance.ts';
import { uploadBusybox } from '../../system/busybox-image.ts';
import type { LabHost } from '../host.ts';
import { joinAs, type LabPlane, planeOf } from '../joining.ts';
import { Lab } from '../lab.ts';
import { isNightly } from '../nightly.ts';
import { collectOnFailure } from '../on-failure.ts';

const MiB = 2 ** 20;
/** How often the power is cut: each takes a boot. */
const CUTS = isNightly ? 50 : 5;
/** The same seed asks for the same things and cuts after the same time; where the host is by then, the machine below decides. */
const SEED = process.env.DROVER_LAB_SEED ?? 'power';
const OPERATIONS = 10;
const GUESTS_MAX = 8;
const STORAGE = '/var/lib/drover/agent/storage/local';

/** What was last acknowledged of a guest. */
interface Wished {
  readonly notes: string;
  readonly power: 'running' | 'stopped';
}

/** The power of a host is cut while it is at work: what was acknowledged is done in the end, and nothing is left by half. */
describe(`power that is cut ${CUTS} times while ten operations run (seed ${SEED})`, () => {
  let lab: Lab;
  let plane: LabPlane;
  let host: LabHost;
  const chance = createChance(SEED);
  const wished = new Map<string, Wished>();
  let named = 0;

  beforeAll(async () => {
    lab = await Lab.up({ name: 'power', hosts: 1, controlPlane: true, say: (line) => console.error(`lab: ${line}`) });
    plane = planeOf(lab);
    host = lab.host(1);
    await joinAs(plane, host, 'one');
    await uploadBusybox(plane);
    for (let made = 0; made < 4; made += 1) await operate('create');
    await untilAsWished();
  });
  afterAll(() => lab?.down());
  beforeEach((context) => collectOnFailure(lab, context));

  it.for(Array.from({ length: CUTS }, (_, cut) => cut + 1))('cut %i', async () => {
    // Acknowledged in milliseconds, so that the host has all of them before it.
    for (let asked = 0; asked < OPERATIONS; asked += 1) await operate(operationOf(chance));
    const afterMs = chance.between(0, 20_000);
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    await host.powerCut();
    await host.powerOn();
    await host.untilUp();
    await untilAsWished();
    await hasNothingLeftOver();
  });

  const operationOf = (by: Chance) => by.pick(['create', 'create', 'delete', 'edit', 'start', 'stop', 'shutdown'] as const);

  /** One request of what can be asked now; returns once it is acknowledged, and so must hold whatever happens. */
  async function operate(what: ReturnType<typeof operationOf>): Promise<void> {
    const names = [...wished.keys()];
    if (what === 'create' ? names.length >= GUESTS_MAX : names.length === 0) return operate(what === 'create' ? 'edit' : 'create');
    if (what === 'create') {
      named += 1;
      const name = `guest-${named}`;
      wished.set(name, { notes: '', power: 'running' });
      const size = { memoryBytes: 64 * MiB, startAtBoot: true, start: true };
      return void (await plane.api.send('POST', '/guests', { type: 'container', name, image: 'busybox', ...size }));
    }
    const name = chance.pick(names);
    const before = wished.get(name) ?? { notes: '', power: 'running' };
    switch (what) {
      case 'delete':
        wished.delete(name);
        return void (await plane.api.send('DELETE', `/guests/${name}?force=true`));
      case 'edit': {
        const notes = chance.text(12);
        wished.set(name, { ...before, notes });
        return void (await plane.api.send('PATCH', `/guests/${name}`, { notes }));
      }
      case 'start':
      case 'stop':
      case 'shutdown':
        wished.set(name, { ...before, power: what === 'start' ? 'running' : 'stopped' });
        return void (await plane.api.send('POST', `/guests/${name}/${what}`, {}));
    }
  }

  async function untilAsWished(): Promise<void> {
    await plane.api.until<{ items: readonly TaskView[] }>('/tasks?state=active', ({ items }) => items.length === 0);
    const { items } = await plane.api.until<{ items: readonly GuestView[] }>('/guests', ({ items: seen }) =>
      seen.every(({ condition, state }) => condition === 'settled' && state !== 'unknown'),
    );
    const found = Object.fromEntries(items.map(({ name, notes, state }) => [name, { notes, power: state }]));
    expect(found).toEqual(Object.fromEntries(wished));
  }

  /** Each disk is a guest's, each guest has its disk, nothing is half made; and the agent found its journal as it left it. */
  async function hasNothingLeftOver(): Promise<void> {
    const { items } = await plane.api.get<{ items: readonly GuestView[] }>('/guests');
    const disks = items.map(({ id }) => `${id}/disks/root`).sort();
    const lies = `cd ${STORAGE}/guests && find . -mindepth 3 -maxdepth 3 -path '*/disks/*' | sed 's|^./||' | sort`;
    expect((await host.shell(lies)).split('\n').filter(Boolean).sort()).toEqual(disks);
    expect(await host.shell(`cd ${STORAGE} && find guests images -maxdepth 3 -name '.*'; ls staging`)).toBe('');
    expect(await host.shell(`find /var/lib/drover/agent/journal -name '*.damaged' -o -name '*.new'`)).toBe('');
    expect(await plane.api.get('/hosts/one')).toMatchObject({ orphans: [] });
    expect((await host.exec(['drover-agent', 'doctor'])).stdout).not.toMatch(/journal.*NO/);
  }
});
