import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { Sealed, type Vault } from '../vault.ts';
import { readPrivate, writePrivate } from './private-file.ts';

/** The file may be moved, and keeps its name: a sealed file is no good under another one's. */
const contextOf = (path: string): string => `file ${basename(path)}`;

/**
 * What a sealed file holds; null: there is none. One from before files were sealed, or under an earlier key, is sealed anew once it has been
 * understood. `parse`: throws Problem when it makes no sense.
 */
export async function readSealed<T>(path: string, vault: Vault, parse: (text: string) => T): Promise<T | null> {
  if (!existsSync(path)) return null;
  const sealed = Sealed.safeParse(readPrivate(path).trim());
  const text = sealed.success ? await vault.open(sealed.data, contextOf(path)) : readPrivate(path);
  const parsed = parse(text);
  if (!sealed.success || !vault.isCurrent(sealed.data)) await writeSealed(path, text, vault);
  return parsed;
}

export async function writeSealed(path: string, text: string, vault: Vault): Promise<void> {
  writePrivate(path, `${await vault.seal(text, contextOf(path))}\n`);
}

export const isSealedFile = (path: string): boolean => existsSync(path) && Sealed.safeParse(readPrivate(path).trim()).success;
