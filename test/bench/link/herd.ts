import { setTimeout as pause } from 'node:timers/promises';
import { quantile } from '../statistics.ts';
import type { Fleet } from './fleet.ts';
import type { Plane } from './plane.ts';

const BACK_MS = 600_000;
const LOOK_EVERY_MS = 10_000;
const PROBE_MS = 50;
const ANSWER_MS = 30_000;
const PATHS = ['hosts?limit=100', 'guests?limit=100', 'tasks?limit=20', 'cells'];

export interface Herd {
  readonly startedS: number;
  readonly backS: number;
  readonly apiMs: readonly number[];
  readonly apiFailures: number;
}

/** Kills the control plane, starts it again, and waits until every agent has said hello anew; asks the API meanwhile. */
export async function measureHerd(plane: Plane, fleet: Fleet, say: (line: string) => void): Promise<Herd> {
  const killedAtMs = performance.now();
  await plane.kill();
  await pause(500);
  await fleet.untilIn(0, 1_000);
  await plane.start();
  const startedS = (performance.now() - killedAtMs) / 1_000;
  const api = probeApi(plane);
  let lookAtMs = performance.now();
  await fleet.untilIn(fleet.hosts, BACK_MS, ({ in: count, failures }) => {
    if (performance.now() < lookAtMs) return;
    lookAtMs += LOOK_EVERY_MS;
    say(`${count} of ${fleet.hosts} are back, ${failures} dials failed so far`);
  });
  const backS = (performance.now() - killedAtMs) / 1_000;
  const { times, failures } = await api.end();
  return { startedS, backS, apiMs: times, apiFailures: failures };
}

/** Asks for lists, one after the other, as a page does that somebody has open. */
export function probeApi({ url, token }: Pick<Plane, 'url' | 'token'>): {
  end(): Promise<{ readonly times: readonly number[]; readonly failures: number }>;
} {
  const times: number[] = [];
  const headers = { authorization: `Bearer ${token()}` };
  let failures = 0;
  let isDone = false;
  async function run(): Promise<void> {
    for (let turn = 0; !isDone; turn += 1) {
      const begunAtMs = performance.now();
      try {
        const answer = await fetch(`${url}/api/v1/${PATHS[turn % PATHS.length]}`, { headers, signal: AbortSignal.timeout(ANSWER_MS) });
        await answer.text();
        if (!answer.ok) failures += 1;
      } catch {
        failures += 1;
      }
      times.push(performance.now() - begunAtMs);
      await pause(PROBE_MS);
    }
  }
  const running = run();
  return {
    async end() {
      isDone = true;
      await running;
      return { times, failures };
    },
  };
}

export const p99 = (times: readonly number[]): number => quantile(times, 0.99);
