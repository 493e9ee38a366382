import { t } from './text/t.ts';

export const MiB = 2 ** 20;
export const GiB = 2 ** 30;

/** English with the day before the month. */
const LOCALE = 'en-GB';
const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;
const numbers = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 1 });
const sameDay = new Intl.DateTimeFormat(LOCALE, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const otherDay = new Intl.DateTimeFormat(LOCALE, { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const withSeconds = new Intl.DateTimeFormat(LOCALE, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
const whole = new Intl.DateTimeFormat(LOCALE, { dateStyle: 'medium', timeStyle: 'medium', hourCycle: 'h23' });

/** "512 MiB", "1.5 GiB"; never a zero for what is not known. */
export function bytes(value: number | null): string {
  if (value === null) return t('unknown');
  let unit = 0;
  let amount = value;
  while (amount >= 1024 && unit < BYTE_UNITS.length - 1) {
    amount /= 1024;
    unit += 1;
  }
  return `${numbers.format(amount)} ${BYTE_UNITS[unit]}`;
}

/** What people type for an amount of memory or disk: "512 MiB", "2G", "1.5 gib". A bare number is mebibytes. Null: not an amount. */
export function parseBytes(text: string): number | null {
  const match = /^\s*(\d+(?:[.,]\d+)?)\s*(?:([kmgt])i?b?)?\s*$/i.exec(text);
  const [, amount, unit] = match ?? [];
  if (amount === undefined) return null;
  const exponent = { k: 1, m: 2, g: 3, t: 4 }[(unit ?? 'm').toLowerCase()] ?? 2;
  return Math.round(Number(amount.replace(',', '.')) * 1024 ** exponent);
}

/** The exact amount for a command line or a form: "512MiB", "1536MiB", "4GiB". */
export function exactBytes(value: number, space = ''): string {
  for (const unit of [4, 3, 2, 1])
    if (value >= 1024 ** unit && value % 1024 ** unit === 0) return `${value / 1024 ** unit}${space}${BYTE_UNITS[unit]}`;
  return `${value}${space}B`;
}

/** "now", "12 s", "5 min", "3 h", "2 d": one unit, as ages are read at a glance. */
export function duration(durationMs: number): string {
  const seconds = Math.max(0, Math.floor(durationMs / 1000));
  if (seconds < 60) return t('time.seconds', { count: seconds });
  if (seconds < 3_600) return t('time.minutes', { count: Math.floor(seconds / 60) });
  if (seconds < 86_400) return t('time.hours', { count: Math.floor(seconds / 3_600) });
  return t('time.days', { count: Math.floor(seconds / 86_400) });
}

/** How long something took: what is over in a blink did not take nothing. */
export const lasted = (durationMs: number): string => (durationMs < 1_000 ? t('time.blink') : duration(durationMs));

export function ago(atMs: number, nowMs: number): string {
  return nowMs - atMs < 5_000 ? t('time.now') : t('time.ago', { duration: duration(nowMs - atMs) });
}

/** "14:02" today, "21 Nov, 14:02" otherwise. */
export function clockTime(atMs: number, nowMs: number): string {
  const at = new Date(atMs);
  return at.toDateString() === new Date(nowMs).toDateString() ? sameDay.format(at) : otherDay.format(at);
}

export const secondTime = (atMs: number): string => withSeconds.format(new Date(atMs));
export const fullTime = (atMs: number): string => whole.format(new Date(atMs));
export const percent = (fraction: number): string => `${Math.floor(fraction * 100)} %`;
export const number = (value: number): string => numbers.format(value);

/** The control plane's words begin small, so that they fit into sentences; alone they are one. Never for names. */
export const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** A word as it must be typed in a POSIX shell. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
