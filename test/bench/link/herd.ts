import { setTimeout as pause } from 'node:timers/promises';
import { quantile, type Samples } from '../statistics.ts';
import { addCosts, costsOf, ofNewPlane, type Scene } from './costs.ts';
import type { Plane } from './plane.ts';

/** At worst, as for the first time. */
const BACK_LEAST_MS = 600_000;
const BACK_PER_HOST_MS = 90;
const LOOK_EVERY_MS = 10_000;
const PROBE_MS = 50;
const ANSWER_MS = 30_000;
const PATHS = ['hosts?limit=100', 'guests?limit=100', 'tasks?limit=20', 'cells'];

/** Kills the control plane, starts it again, and waits until every agent has said hello anew; asks the API meanwhile. */
export async function measureHerd(context: Scene & { readonly samples: Samples; readonly say: (line: string) => void }): Promise<void> {
  const { plane, fleet, samples, say } = context;
  say('the control plane is killed');
  const killedAtMs = performance.now();
  const before = ofNewPlane(costsOf(context));
  await plane.kill();
  await pause(500);
  // On a broker that lives on they keep their connections, and are back all the same only once they are answered.
  fleet.forget();
  await plane.start();
  const api = probeApi(plane);
  let lookAtMs = performance.now();
  await fleet.untilIn(fleet.hosts, Math.max(BACK_LEAST_MS, fleet.hosts * BACK_PER_HOST_MS), ({ in: count, failures }) => {
    plane.mustRun();
    if (performance.now() < lookAtMs) return;
    lookAtMs += LOOK_EVERY_MS;
    say(`${count} of ${fleet.hosts} are back, ${failures} dials failed so far`);
  });
  samples.add('back', 'Drover', (performance.now() - killedAtMs) / 1_000);
  addCosts(samples, 'back cpu', before, costsOf(context), 1_000);
  const { times, failures } = await api.end();
  samples.add('back api p99', 'Drover', p99(times));
  samples.add('back api failures', 'Drover', failures);
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
