import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';

/** Files of the kernel, which come and go while one looks: null, or nothing, where there is none or it gives no answer. */

export function readLine(path: string): string | null {
  try {
    const text = readFileSync(path, 'utf8').trim();
    return text === '' ? null : text;
  } catch {
    // Not there, or the device has no answer: the kernel says so in more than one way.
    return null;
  }
}

export function readNumber(path: string): number | null {
  const number = Number(readLine(path) ?? Number.NaN);
  return Number.isFinite(number) ? number : null;
}

/** The last part of where a link leads: a driver's name, a group's number. */
export function linkName(path: string): string | null {
  try {
    return basename(readlinkSync(path));
  } catch {
    return null;
  }
}

export function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

/** An object without what is null: absent says "not known". */
export function known<T extends Record<string, unknown>>(members: T): { [K in keyof T]?: Exclude<T[K], null | undefined> } {
  // Sound: exactly the members that are null or undefined are left out.
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== null && value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], null | undefined>;
  };
}
