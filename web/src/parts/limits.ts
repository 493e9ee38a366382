import { bytes, GiB, MiB, parseBytes } from '../format.ts';
import { t } from '../text/t.ts';

interface Limits {
  readonly least: number;
  readonly most: number;
}

/** What the control plane accepts, known here as well so that the field can say it in the words of the form. */
export const LIMITS = {
  memoryBytes: { least: 16 * MiB, most: 16 * 1024 * GiB },
  diskBytes: { least: 64 * MiB, most: 64 * 1024 * GiB },
  cores: { least: 1, most: 512 },
} as const satisfies Record<string, Limits>;

type Read = { readonly value: number } | { readonly fault: string };

function within(value: number, { least, most }: Limits, say: (value: number) => string): Read {
  if (value < least) return { fault: t('fault.least', { least: say(least) }) };
  if (value > most) return { fault: t('fault.most', { most: say(most) }) };
  return { value };
}

export function readAmount(field: 'memoryBytes' | 'diskBytes', text: string): Read {
  const value = parseBytes(text);
  return value === null ? { fault: t('fault.amount') } : within(value, LIMITS[field], bytes);
}

export function readCores(text: string): Read {
  return /^\s*\d{1,9}\s*$/.test(text) ? within(Number(text), LIMITS.cores, String) : { fault: t('fault.count') };
}
