import type { Measure } from '../rows.ts';
import { type Samples, timed } from '../statistics.ts';
import type { ContainerContender } from './contender.ts';

export interface MeasureContext {
  readonly samples: Samples;
  readonly say: (line: string) => void;
}

const PARALLEL = 20;
const PARALLEL_ROUNDS = 5;

/** One whole life after the other; every contender lives its life i before any begins i + 1. */
export async function measureLives(contenders: readonly ContainerContender[], count: number, { samples, say }: MeasureContext) {
  for (let index = 0; index < count; index += 1) {
    say(`container ${index + 1} of ${count}`);
    for (const contender of contenders) {
      const name = `one-${index}`;
      const take = async (measure: Measure, act: () => Promise<unknown>) => samples.add(measure, contender.name, await timed(act));
      await take('container cycle', async () => {
        await take('container create', () => contender.create(name));
        const { seenMs, insideMs } = await contender.start(name);
        samples.add('container start inside', contender.name, insideMs);
        samples.add('container start seen', contender.name, seenMs ?? insideMs);
        await take('container stop', () => contender.stop(name));
        await take('container delete', () => contender.remove(name));
      });
    }
  }
}

/** A whole system instead of a few files: made and removed. */
export async function measureDebian(contenders: readonly ContainerContender[], count: number, { samples, say }: MeasureContext) {
  for (let index = 0; index < count; index += 1) {
    say(`Debian container ${index + 1} of ${count}`);
    for (const contender of contenders) {
      const name = `big-${index}`;
      samples.add('debian create', contender.name, await timed(() => contender.create(name, 'debian')));
      samples.add('debian delete', contender.name, await timed(() => contender.remove(name)));
    }
  }
}

/** Twenty at once, and what it takes to look at them. */
export async function measureParallel(contenders: readonly ContainerContender[], reads: number, { samples, say }: MeasureContext) {
  const names = Array.from({ length: PARALLEL }, (_, index) => `many-${index}`);
  const all = async (measure: Measure, contender: ContainerContender, act: (name: string) => Promise<unknown>) => {
    samples.add(measure, contender.name, await timed(() => Promise.all(names.map((name) => act(name)))));
  };
  for (const contender of contenders) await all('20 creates', contender, contender.create);
  for (let round = 0; round < PARALLEL_ROUNDS; round += 1) {
    say(`${PARALLEL} containers at once, round ${round + 1} of ${PARALLEL_ROUNDS}`);
    for (const contender of contenders) {
      await all('20 starts', contender, contender.start);
      if (round === PARALLEL_ROUNDS - 1) await measureReads(contender, names, reads, samples);
      await all('20 stops', contender, contender.stop);
    }
  }
  for (const contender of contenders) await all('20 deletes', contender, contender.remove);
}

async function measureReads(contender: ContainerContender, names: readonly string[], count: number, samples: Samples) {
  for (let index = 0; index < count; index += 1) {
    const name = names[index % names.length] ?? '';
    samples.add('container status', contender.name, await timed(() => contender.status(name)));
    samples.add('list of 20', contender.name, await timed(() => contender.list()));
  }
}
