import { expect, it } from 'vitest';
import { cellsOfHosts, planCells } from './cell-plan.ts';

it('puts a fleet on one broker as long as that may have so many connections', () => {
  expect(planCells(10_000, 'embedded', 19_000)).toEqual([{ name: 'main', broker: 'embedded', hosts: 10_000 }]);
  expect(planCells(10_000, 'mosquitto', 19_000)).toEqual([{ name: 'mosquitto-1', broker: 'mosquitto', hosts: 10_000 }]);
});

it('gives what the embedded broker may not take to a Mosquitto', () => {
  expect(planCells(30_000, 'embedded', 19_000)).toEqual([
    { name: 'main', broker: 'embedded', hosts: 19_000 },
    { name: 'mosquitto-1', broker: 'mosquitto', hosts: 11_000 },
  ]);
});

it('leaves no host out where Mosquittos share a fleet', () => {
  const cells = planCells(30_001, 'mosquitto', 10_500);
  expect(cells.map(({ hosts }) => hosts)).toEqual([10_000, 10_000, 10_001]);
  expect(cellsOfHosts(cells)).toHaveLength(30_001);
  expect(cellsOfHosts(cells).at(-1)).toBe('mosquitto-3');
});
