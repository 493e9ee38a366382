import type { Figures, RowResult } from './verdict.ts';

/** Plain text for people: one line for each row, columns as wide as they need to be. */
export function tableOf(results: readonly RowResult[]): string {
  const withPeers = results.some(({ peer }) => peer !== null);
  const head = ['', 'measure', 'unit', 'raw p50', 'p95', 'Drover p50', 'p95', '× raw', '+ raw'];
  const rows = results.map((result) => [
    result.row,
    result.title,
    result.unit,
    ...pair(result.raw),
    ...pair(result.drover),
    result.raw ? ratio(result.drover.p50 / result.raw.p50) : '–',
    result.raw ? number(result.drover.p50 - result.raw.p50) : '–',
    ...(withPeers ? [...pair(result.peer), result.peer ? ratio(result.drover.p50 / result.peer.p50) : '–'] : []),
    mustOf(result),
  ]);
  return align([[...head, ...(withPeers ? ['peer p50', 'p95', '× peer'] : []), 'must'], ...rows]);
}

const pair = (figures: Figures | null): string[] => (figures ? [number(figures.p50), number(figures.p95)] : ['–', '–']);

const number = (value: number): string => value.toFixed(Math.abs(value) < 10 ? 2 : Math.abs(value) < 100 ? 1 : 0);

const ratio = (value: number): string => value.toFixed(value < 10 ? 2 : 1);

function mustOf({ limits, reached }: RowResult): string {
  if (reached === null) return '';
  const tightest = limits.reduce((least, limit) => (limit.value < least.value ? limit : least));
  return `${reached ? 'reached' : 'MISSED'}: ≤ ${number(tightest.value)} (${tightest.from})`;
}

function align(lines: readonly (readonly string[])[]): string {
  const widths = (lines[0] ?? []).map((_cell, index) => Math.max(...lines.map((line) => line[index]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((cell, index) => (/^[–\d-]/.test(cell) ? cell.padStart(widths[index] ?? 0) : cell.padEnd(widths[index] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
