import { expect, it } from 'vitest';
import type { RowDefinition } from './rows.ts';
import { Samples } from './statistics.ts';
import { tableOf } from './table.ts';
import { judge } from './verdict.ts';

const ROW: RowDefinition = {
  row: 'P1',
  measure: 'container start seen',
  title: 'container start',
  unit: 'ms',
  must: { rawPlusMs: 20, peerTimes: 0.4, peerPerRaw: 5 },
};
const CAST = { raw: 'raw lxc', drover: 'Drover', peer: 'LXD' };

function samplesOf(taken: Readonly<Record<string, readonly number[]>>): Samples {
  const samples = new Samples();
  for (const [contender, values] of Object.entries(taken)) for (const value of values) samples.add(ROW.measure, contender, value);
  return samples;
}

it('holds a row to each of its limits, by medians', () => {
  const result = judge(ROW, samplesOf({ 'raw lxc': [30, 30, 90], 'Drover': [45, 45, 200], 'LXD': [100, 100, 100] }), CAST);
  expect(result?.limits).toEqual([
    { value: 50, from: 'raw lxc + 20' },
    { value: 40, from: '0.4 × LXD' },
  ]);
  expect(result?.reached).toBe(false);
  expect(tableOf(result ? [result] : [])).toMatch(/reached ≤ 50\.0 \(raw lxc \+ 20\); MISSED ≤ 40\.0 \(0\.4 × LXD\)/);
});

it('puts the known ratio of the peer to the bare tool in the place of a peer that was not measured, and says so', () => {
  const result = judge(ROW, samplesOf({ 'raw lxc': [30], 'Drover': [45] }), { ...CAST, peer: null });
  expect(result?.limits.at(-1)).toEqual({ value: 60, from: '0.4 × peer, taken as 5 × raw' });
  expect(result?.reached).toBe(true);
});

it('has no word on a row for which Drover was not measured', () => {
  expect(judge(ROW, samplesOf({ 'raw lxc': [30] }), CAST)).toBeNull();
});
