import { type Figures, holds, type RowResult } from './verdict.ts';

/** Plain text for people: one line for each row, columns as wide as they need to be. */
export function tableOf(results: readonly RowResult[]): string {
  const withPeers = results.some(({ peer }) => peer !== null);
  const head = ['', 'measure', 'unit', 'raw p50', 'p5 to p95', 'Drover p50', 'p5 to p95', '× raw', '+ raw'];
  const rows = results.map((result) => [
    result.row,
    result.title,
    result.unit,
    ...pair(result.raw),
    ...pair(result.drover),
    ratioTo(result.drover, result.raw),
    result.raw ? number(result.drover.p50 - result.raw.p50) : '–',
    ...(withPeers ? [...pair(result.peer), ratioTo(result.drover, result.peer)] : []),
    mustOf(result),
  ]);
  return align([[...head, ...(withPeers ? ['peer p50', 'p5 to p95', '× peer'] : []), 'must'], ...rows]);
}

const pair = (figures: Figures | null): string[] =>
  figures ? [number(figures.p50), figures.samples > 1 ? `${number(figures.p5)} to ${number(figures.p95)}` : ''] : ['–', ''];

const number = (value: number): string => value.toFixed(Math.abs(value) < 10 ? 2 : Math.abs(value) < 100 ? 1 : 0);

const ratioTo = (figures: Figures, other: Figures | null): string => {
  if (other === null || other.p50 === 0) return '–';
  const ratio = figures.p50 / other.p50;
  return ratio.toFixed(ratio < 10 ? 2 : 1);
};

const mustOf = ({ limits, drover }: RowResult): string =>
  limits
    .map(
      (limit) => `${holds(limit, drover.p50) ? 'reached' : 'MISSED'} ${limit.isLeast ? '≥' : '≤'} ${number(limit.value)} (${limit.from})`,
    )
    .join('; ');

/** Words to the left, numbers to the right. */
function align(lines: readonly (readonly string[])[]): string {
  const last = (lines[0]?.length ?? 0) - 1;
  const widths = (lines[0] ?? []).map((_cell, index) => Math.max(...lines.map((line) => line[index]?.length ?? 0)));
  const fill = (cell: string, index: number) =>
    index <= 2 || index === last ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0);
  return lines.map((line) => line.map(fill).join('  ').trimEnd()).join('\n');
}
