import type { MeasureContext } from '../containers/measure.ts';
import type { Measure } from '../rows.ts';
import { timed } from '../statistics.ts';
import type { VmContender } from './contender.ts';

const PARALLEL = 10;
const PARALLEL_ROUNDS = 3;

export async function measureVmLives(contenders: readonly VmContender[], count: number, { samples, say }: MeasureContext) {
  for (let index = 0; index < count; index += 1) {
    say(`VM ${index + 1} of ${count}`);
    for (const contender of contenders) {
      const name = `vm-${index}`;
      const take = async (measure: Measure, act: (vm: string) => Promise<void>) =>
        samples.add(measure, contender.name, await timed(() => act(name)));
      await take('vm define', contender.define);
      await take('vm start', contender.start);
      await take('vm status', contender.status);
      await take('vm destroy', contender.destroy);
      await take('vm delete', contender.remove);
    }
  }
}

export async function measureVmsParallel(contenders: readonly VmContender[], { samples, say }: MeasureContext) {
  const names = Array.from({ length: PARALLEL }, (_, index) => `vms-${index}`);
  const all = (act: (vm: string) => Promise<void>) => Promise.all(names.map(act));
  for (const contender of contenders) await all(contender.define);
  for (let round = 0; round < PARALLEL_ROUNDS; round += 1) {
    say(`${PARALLEL} VMs at once, round ${round + 1} of ${PARALLEL_ROUNDS}`);
    for (const contender of contenders) {
      samples.add('10 vm starts', contender.name, await timed(() => all(contender.start)));
      await all(contender.destroy);
    }
  }
  for (const contender of contenders) await all(contender.remove);
}
