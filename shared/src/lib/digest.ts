import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';

/** JSON with sorted keys and without undefined members: equal values give equal text. */
export function canonicalJson(value: unknown): string {
  if (!isPlain(value)) return JSON.stringify(value) ?? 'null';
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const members = Object.keys(value)
    .sort()
    .filter((name) => value[name] !== undefined)
    .map((name) => `${JSON.stringify(name)}:${canonicalJson(value[name])}`);
  return `{${members.join(',')}}`;
}

/** Whether they are the same JSON; cheaper than to write both down. */
export function isSameJson(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (!isPlain(a) || !isPlain(b)) return canonicalJson(a) === canonicalJson(b);
  if (Array.isArray(a) || Array.isArray(b)) {
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((item, index) => isSameJson(item, b[index]));
  }
  return (
    Object.keys(a).every((name) => isSameMember(a, b, name)) &&
    Object.keys(b).every((name) => b[name] === undefined || a[name] !== undefined)
  );
}

/** 32 hex characters that identify a value: the first half of the SHA-256 of its canonical JSON. Synchronous, so the core may use it. */
export function digest(value: unknown): string {
  return sha256Hex(canonicalJson(value)).slice(0, 32);
}

/** All 64 of them, of a text. */
export const sha256Hex = (text: string): string => bytesToHex(sha256(utf8ToBytes(text)));

type Members = Readonly<Record<string, unknown>>;
const isPlain = (value: unknown): value is Members | (readonly unknown[] & Members) =>
  typeof value === 'object' && value !== null && !('toJSON' in value);

const isSameMember = (a: Members, b: Members, name: string): boolean => {
  const [mine, theirs] = [a[name], b[name]];
  if (mine === undefined || theirs === undefined) return mine === theirs;
  return Object.hasOwn(b, name) && isSameJson(mine, theirs);
};
