import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';

/** JSON with sorted keys and without undefined members: equal values give equal text. */
export const canonicalJson = (value: unknown): string => JSON.stringify(sorted(value));

function sorted(value: unknown): unknown {
  if (!value || typeof value !== 'object' || 'toJSON' in value) return value;
  if (Array.isArray(value)) return value.map(sorted);
  // Without a prototype, so that no name means something else.
  const made: Record<string, unknown> = Object.create(null);
  const members: Record<string, unknown> = { ...value };
  for (const name of Object.keys(members).sort()) made[name] = sorted(members[name]);
  return made;
}

/** 32 hex characters that identify a value: the first half of the SHA-256 of its canonical JSON. Synchronous, so the core may use it. */
export function digest(value: unknown): string {
  return bytesToHex(sha256(utf8ToBytes(canonicalJson(value)))).slice(0, 32);
}
