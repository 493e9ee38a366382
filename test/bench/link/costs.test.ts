import { expect, it } from 'vitest';
import { Samples } from '../statistics.ts';
import { addCosts, ofNewPlane } from './costs.ts';

it('tells what each took of the processor, and nothing of brokers where there are none', () => {
  const samples = new Samples();
  addCosts(samples, 'idle cpu', { plane: 100, brokers: null, agents: 50 }, { plane: 400, brokers: null, agents: 150 }, 10);
  expect(samples.of('idle cpu', 'Drover')).toEqual([30]);
  expect(samples.of('idle cpu agents', 'Drover')).toEqual([10]);
  expect(samples.of('idle cpu brokers', 'Drover')).toEqual([]);
});

it('counts all that a control plane took which was started meanwhile', () => {
  const samples = new Samples();
  const before = ofNewPlane({ plane: 9_000, brokers: 200, agents: 0 });
  addCosts(samples, 'back cpu', before, { plane: 3_000, brokers: 700, agents: 0 }, 1_000);
  expect(samples.of('back cpu', 'Drover')).toEqual([3]);
  expect(samples.of('back cpu brokers', 'Drover')).toEqual([0.5]);
});
