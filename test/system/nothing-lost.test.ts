import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { TaskView } from '@drover/shared/api/views';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { uploadBusybox } from './busybox-image.ts';
import { drover } from './cli.ts';
import { startWorld, type World } from './world.ts';

const NAMES = ['ant', 'bee', 'cow'];
const ROUNDS = 14;
const FAULTS = ['control plane', 'agent', 'both', 'wire'] as const;

/**
 * Faults on the real processes: each round asks for something, kills or cuts something at another moment of it, and starts
 * everything again. What was acknowledged must hold in the end, and nothing may have been done twice.
 */
describe('kill -9 and a cut wire', () => {
  let world: World;
  /** What the last acknowledged write wished of each guest. */
  const acknowledged = new Map<string, { notes: string; power: 'running' | 'off' }>();
  /** Starts that were acknowledged: none of them may boot a guest more than once. */
  const starts = new Map<string, number>();

  beforeAll(async () => {
    world = await startWorld({ instance: 'n' });
    await uploadBusybox(world);
    for (const name of NAMES) {
      const body = { type: 'container', name, image: 'busybox', memoryBytes: 64 * 2 ** 20, start: true };
      await world.api.finish((await world.api.send<{ task: TaskView }>('POST', '/guests', body)).task);
      acknowledged.set(name, { notes: '', power: 'running' });
      starts.set(name, 1);
    }
  });
  afterAll(() => world.close());

  it.for(Array.from({ length: ROUNDS }, (_, round) => round))('round %i loses no acknowledged write and converges', async (round) => {
    const name = NAMES[round % NAMES.length] ?? 'ant';
    const wish = acknowledged.get(name) ?? { notes: '', power: 'running' };
    const power = wish.power === 'running' ? 'off' : 'running';
    // The moments spread over what a start takes, before, in the middle and after: 0 to 130 ms.
    const fault = strike(FAULTS[round % FAULTS.length] ?? 'both', (round * 37) % 131);
    await edit(name, `round ${round}`);
    await setPower(name, power);
    await fault;
    await restore();
    for (const [guest, { notes, power: wished }] of acknowledged) {
      const settled = await world.api.guestUntil(
        guest,
        (seen) => seen.state !== 'unknown' && seen.condition === 'settled' && seen.appliedGeneration === seen.generation,
      );
      expect({ notes: settled.notes, state: settled.state }).toEqual({ notes, state: wished === 'running' ? 'running' : 'stopped' });
    }
    const open = await world.api.get<{ items: TaskView[] }>('/tasks?state=active');
    expect(open.items).toEqual([]);
  });

  it('has booted no guest more often than it was asked to, nor after a crash that never was', async () => {
    for (const name of NAMES) {
      if ((await world.api.guest(name)).state !== 'running') {
        await setPower(name, 'running');
        await world.api.guestUntil(name, (seen) => seen.state === 'running' && seen.condition === 'settled');
      }
      const guest = await world.api.guest(name);
      const boots = (await drover(`guest exec ${name} -- cat /var/log/boots`, world.cliEnv)).stdout.trim().split('\n').length;
      expect(guest.crashes, name).toBe(0);
      expect(boots, name).toBe(starts.get(name));
    }
  });

  async function edit(name: string, notes: string): Promise<void> {
    const key = randomUUID();
    await acknowledgedWrite('PATCH', `/guests/${name}`, { notes }, key);
    acknowledged.set(name, { notes, power: acknowledged.get(name)?.power ?? 'running' });
  }

  async function setPower(name: string, power: 'running' | 'off'): Promise<void> {
    const key = randomUUID();
    await acknowledgedWrite('POST', `/guests/${name}/${power === 'running' ? 'start' : 'stop'}`, {}, key);
    acknowledged.set(name, { notes: acknowledged.get(name)?.notes ?? '', power });
    if (power === 'running') starts.set(name, (starts.get(name) ?? 0) + 1);
  }

  /** As a careful client does: the same key again until there is an answer, so that a lost answer is no second write. */
  async function acknowledgedWrite(method: string, path: string, body: unknown, key: string): Promise<void> {
    for (;;) {
      const response = await world.api.raw(method, path, body, { 'idempotency-key': key }).catch(() => null);
      if (response?.ok) return;
      if (response && response.status < 500) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
      await pause(50);
    }
  }

  async function strike(what: (typeof FAULTS)[number], afterMs: number): Promise<void> {
    await pause(afterMs);
    switch (what) {
      case 'control plane':
        await world.controlPlane.end('SIGKILL');
        return world.startControlPlane();
      case 'agent':
        await world.agent.end('SIGKILL');
        return;
      case 'both':
        await Promise.all([world.agent.end('SIGKILL'), world.controlPlane.end('SIGKILL')]);
        return world.startControlPlane();
      case 'wire':
        world.wire.cut();
        return;
    }
  }

  async function restore(): Promise<void> {
    world.wire.mend();
    if (!world.agent.isRunning()) await world.startAgent();
  }
});
