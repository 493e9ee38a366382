import type { PoolQuota } from '@drover/shared/model/access';
import { CliError } from './error.ts';
import { formatBytes, parseSize, parseWhole } from './units.ts';

export interface QuotaOptions {
  readonly guestsMax?: string;
  readonly coresMax?: string;
  readonly memoryMax?: string;
  readonly diskMax?: string;
}

/** What was asked for, over what there was before; "none" takes a limit away. */
export function quotaOf(options: QuotaOptions, before: PoolQuota = {}): PoolQuota {
  const whole = (option: string, max: number) => (text: string) => parseWhole(text, option, { min: 0, max });
  const size = (option: string) => (text: string) => parseSize(text, option);
  return {
    ...limit('guestsMax', options.guestsMax, before.guestsMax, whole('--guests-max', 100_000)),
    ...limit('coresMax', options.coresMax, before.coresMax, whole('--cores-max', 1_000_000)),
    ...limit('memoryBytesMax', options.memoryMax, before.memoryBytesMax, size('--memory-max')),
    ...limit('diskBytesMax', options.diskMax, before.diskBytesMax, size('--disk-max')),
  };
}

function limit(field: keyof PoolQuota, text: string | undefined, before: number | undefined, parse: (text: string) => number): PoolQuota {
  const value = text === undefined ? before : text === 'none' ? undefined : parse(text);
  return value === undefined ? {} : { [field]: value };
}

export function quotaWords({ guestsMax, coresMax, memoryBytesMax, diskBytesMax }: PoolQuota): string {
  const words = [
    guestsMax === undefined ? [] : `${guestsMax} guests`,
    coresMax === undefined ? [] : `${coresMax} cores`,
    memoryBytesMax === undefined ? [] : `${formatBytes(memoryBytesMax)} memory`,
    diskBytesMax === undefined ? [] : `${formatBytes(diskBytesMax)} disk`,
  ];
  return words.flat().join(', ') || '-';
}

/** What can be in a pool. */
export function memberPath(kind: string, name: string): string {
  if (kind !== 'guest' && kind !== 'storage' && kind !== 'network')
    throw new CliError('usage', `"${kind}" cannot be in a pool: guest, storage or network`);
  return `/${kind}s/${encodeURIComponent(name)}/pool`;
}
