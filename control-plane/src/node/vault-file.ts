import { existsSync } from 'node:fs';
import { base64url, bytesOfBase64url } from '@drover/shared/lib/base64url';
import { Problem } from '@drover/shared/lib/problem';
import { z } from 'zod';
import type { RotatableVault } from '../rotate-vault.ts';
import { createVault } from '../vault.ts';
import { readPrivate, writePrivate } from './private-file.ts';

const Key = z.strictObject({
  id: z.string().regex(/^[a-z0-9]{16}$/),
  key: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
  madeAtMs: z.number().int(),
});
/** The newest last. */
const VaultKeys = z.strictObject({ version: z.literal(1), keys: z.array(Key).min(1) });
type VaultKeys = z.infer<typeof VaultKeys>;

export interface VaultFileOptions {
  readonly path: string;
  readonly now: () => number;
  /** Is something sealed already? Then a new key is of no use, and none is made. */
  readonly isNeeded: boolean;
}

/** The vault whose keys lie in a file that only its owner may read; made at the first start. */
export function openVaultFile({ path, now, isNeeded }: VaultFileOptions): RotatableVault {
  if (!existsSync(path)) {
    if (isNeeded) {
      throw new Problem('not-found', `${path} is gone, and with it the key to this control plane's secrets`, {
        suggestion: 'restore it from a backup',
      });
    }
    write(path, [newKey(now())]);
  }
  let { keys } = read(path);
  const vault = createVault(() => keys.map(({ id, key }) => ({ id, bytes: bytesOfBase64url(key) })));
  function keep(next: VaultKeys['keys']): void {
    write(path, next);
    keys = next;
  }
  return {
    ...vault,
    addKey: () => keep([...keys, newKey(now())]),
    dropOldKeys: () => keep(keys.slice(-1)),
    keyIds: () => keys.map(({ id }) => id),
  };
}

function newKey(madeAtMs: number): VaultKeys['keys'][number] {
  const random = (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes));
  const id = [...random(8)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return { id, key: base64url(random(32)), madeAtMs };
}

const write = (path: string, keys: VaultKeys['keys']): void =>
  writePrivate(path, `${JSON.stringify(VaultKeys.parse({ version: 1, keys }), null, 2)}\n`);

function read(path: string): VaultKeys {
  const text = readPrivate(path);
  try {
    return VaultKeys.parse(JSON.parse(text));
  } catch {
    // What was read may be half a key: it is not passed on as the cause.
    throw new Problem('internal', `${path} does not hold the keys of a vault`, { suggestion: 'restore it from a backup' });
  }
}
