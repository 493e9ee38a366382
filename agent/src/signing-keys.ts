import { KeySuccession, PublicKey } from '@drover/shared/protocol/agent-api';
import { keyIdOf } from '@drover/shared/protocol/host-key';
import { compactVerify, decodeProtectedHeader } from 'jose';
import { z } from 'zod';

/** The control plane's keys as this host knows them. Pinned at enrolment; from then on each new one is believed on the word of the one before. */
export const PinnedKeys = z.object({
  /** The first is the newest. */
  signingKeys: z.array(PublicKey).min(1),
  /** Those before it, for what they had signed already. */
  retiredKeys: z.array(z.object({ key: PublicKey, untilMs: z.number().int() })).default([]),
});
export type PinnedKeys = z.infer<typeof PinnedKeys>;

/** What this JWS says, if a key that still counts has signed it; null: none has. */
export async function payloadByPinnedKey(pinned: PinnedKeys, jws: string, nowMs: number): Promise<unknown> {
  const retired = pinned.retiredKeys.filter(({ untilMs }) => nowMs < untilMs).map(({ key }) => key);
  const kid = keyIdIn(jws);
  for (const key of [...pinned.signingKeys, ...retired]) {
    if (kid !== null && kid !== keyIdOf(key)) continue;
    const payload = await payloadBy(key, jws);
    if (payload !== null) return payload;
  }
  return null;
}

/** Follows the links from the newest key that is pinned here; gives the same object when there is nothing new. */
export async function followSuccession(pinned: PinnedKeys, links: readonly string[], nowMs: number): Promise<PinnedKeys> {
  let { signingKeys, retiredKeys } = pinned;
  for (const jws of links) {
    const [newest, ...others] = signingKeys;
    if (!newest || keyIdIn(jws) !== keyIdOf(newest)) continue;
    const link = KeySuccession.safeParse(await payloadBy(newest, jws));
    if (!link.success) continue;
    const { key, issuedAtMs, overlapMs } = link.data;
    const untilMs = issuedAtMs + overlapMs;
    signingKeys = [key];
    retiredKeys = [...retiredKeys, ...[newest, ...others].map((before) => ({ key: before, untilMs }))];
  }
  if (signingKeys === pinned.signingKeys) return pinned;
  return { signingKeys, retiredKeys: retiredKeys.filter(({ untilMs }) => nowMs < untilMs) };
}

/** The header's word on who signed; not to be believed before the signature was checked. */
export function keyIdIn(jws: string): string | null {
  try {
    return decodeProtectedHeader(jws).kid ?? null;
  } catch {
    // No JWS at all: the signature will not hold either.
    return null;
  }
}

async function payloadBy(key: PublicKey, jws: string): Promise<unknown> {
  try {
    const { payload } = await compactVerify(jws, key, { algorithms: ['EdDSA'] });
    return JSON.parse(new TextDecoder().decode(payload));
  } catch {
    // Not by this key, which the caller asks about.
    return null;
  }
}
