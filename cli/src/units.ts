import { CliError } from './error.ts';

const UNITS: Readonly<Record<string, number>> = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 };
/** What people type out of habit; suggested back to them, never guessed. */
const LOOSE = /^(\d+(?:\.\d+)?)\s*([kmgt])(i?b)?$/i;

/** "256MiB" or "1.5GiB" as bytes. Anything else is refused in the option's own name. */
export function parseSize(text: string, option: string): number {
  const match = /^(\d{1,15}(?:\.\d{1,6})?)(B|KiB|MiB|GiB|TiB)$/.exec(text);
  const unit = match?.[2] === undefined ? undefined : UNITS[match[2]];
  if (match?.[1] === undefined || unit === undefined) {
    const loose = LOOSE.exec(text);
    const example = loose ? `${loose[1]}${loose[2]?.toUpperCase()}iB` : '512MiB';
    throw new CliError('usage', `${option}: "${text}" is not a size`, {
      suggestion: `write a number and B, KiB, MiB, GiB or TiB, such as ${example}`,
    });
  }
  const bytes = Number(match[1]) * unit;
  if (!Number.isSafeInteger(bytes)) throw new CliError('usage', `${option}: "${text}" is not a whole number of bytes`);
  return bytes;
}

export function parseWhole(text: string, option: string, range: { readonly min: number; readonly max: number }): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= range.min && value <= range.max) return value;
  throw new CliError('usage', `${option}: "${text}" is not a whole number from ${range.min} to ${range.max}`);
}

/** 1610612736 → "1.5 GiB": exact when a tenth is, else rounded. */
export function formatBytes(bytes: number): string {
  const [name, unit] = Object.entries(UNITS).findLast(([, size]) => bytes >= size) ?? ['B', 1];
  const value = bytes / unit;
  return `${value >= 100 || Number.isInteger(value) ? Math.round(value) : value.toFixed(1)} ${name}`;
}

/** How long: "42 s", "7 min", "3 h", "12 d". */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 100) return `${seconds} s`;
  if (seconds < 6_000) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

/** Local date and time to the second, sortable. */
export function formatTime(ms: number): string {
  const pad = (value: number) => String(value).padStart(2, '0');
  const time = new Date(ms);
  const date = `${time.getFullYear()}-${pad(time.getMonth() + 1)}-${pad(time.getDate())}`;
  return `${date} ${pad(time.getHours())}:${pad(time.getMinutes())}:${pad(time.getSeconds())}`;
}

const UNIT_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** "30m", "12h", "30d". */
export function parseDuration(text: string): number {
  const [, count, unit = ''] = /^(\d{1,5})([mhd])$/.exec(text) ?? [];
  const unitMs = UNIT_MS[unit];
  if (count === undefined || unitMs === undefined) throw new CliError('usage', `"${text}" is not a time: write 30m, 12h or 30d`);
  return Number(count) * unitMs;
}
