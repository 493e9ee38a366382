import { type KeySuccession, PublicKey } from '@drover/shared/protocol/agent-api';
import { keyIdOf } from '@drover/shared/protocol/host-key';
import { CompactSign, exportJWK, generateKeyPair } from 'jose';
import { expect, test } from 'vitest';
import { followSuccession, type PinnedKeys, payloadByPinnedKey } from './signing-keys.ts';

const HOUR_MS = 3_600_000;

async function aKey() {
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const { kty, crv, x } = await exportJWK(publicKey);
  const key = PublicKey.parse({ kty, crv, x });
  const sign = (payload: unknown, kid: string | undefined = keyIdOf(key)) =>
    new CompactSign(new TextEncoder().encode(JSON.stringify(payload)))
      .setProtectedHeader({ alg: 'EdDSA', ...(kid === '' ? {} : { kid }) })
      .sign(privateKey);
  const introduces = (next: PublicKey, issuedAtMs = 0) =>
    sign({ aud: 'drover-next-key', key: next, issuedAtMs, overlapMs: HOUR_MS } satisfies KeySuccession);
  return { key, sign, introduces };
}
const pin = (...signingKeys: PublicKey[]): PinnedKeys => ({ signingKeys, retiredKeys: [] });

test('a new key is believed on the word of the one before, and that one only until the overlap is over', async () => {
  const [first, second] = [await aKey(), await aKey()];
  const pinned = await followSuccession(pin(first.key), [await first.introduces(second.key)], 1);
  expect(await payloadByPinnedKey(pinned, await second.sign({ n: 2 }), 1)).toEqual({ n: 2 });
  expect(await payloadByPinnedKey(pinned, await first.sign({ n: 1 }), HOUR_MS - 1)).toEqual({ n: 1 });
  expect(await payloadByPinnedKey(pinned, await first.sign({ n: 1 }), HOUR_MS)).toBeNull();
});

test('a host that was away while the key changed three times follows the chain to its end', async () => {
  const keys = [await aKey(), await aKey(), await aKey(), await aKey()];
  const links = await Promise.all(keys.slice(1).map(({ key }, index) => keys[index]?.introduces(key) ?? ''));
  const last = keys[3];
  if (!keys[0] || !last) throw new Error('no keys');
  const pinned = await followSuccession(pin(keys[0].key), links, 30 * 24 * HOUR_MS);
  expect(pinned).toEqual(pin(last.key));
  expect(await followSuccession(pinned, links, 30 * 24 * HOUR_MS)).toBe(pinned);
});

test('a key that was retired, or that was never known, introduces nobody', async () => {
  const [first, second, thief] = [await aKey(), await aKey(), await aKey()];
  const pinned = await followSuccession(pin(first.key), [await first.introduces(second.key)], 1);
  expect(await followSuccession(pinned, [await first.introduces(thief.key)], 1)).toBe(pinned);
  expect(await followSuccession(pinned, [await thief.introduces(thief.key), 'no jws', ''], 1)).toBe(pinned);
  const pretending = await thief.sign({ aud: 'drover-next-key', key: thief.key, issuedAtMs: 0, overlapMs: 1 }, keyIdOf(second.key));
  expect(await followSuccession(pinned, [pretending], 1)).toBe(pinned);
});

test('what no pinned key has signed says nothing, whatever its header names', async () => {
  const [known, other] = [await aKey(), await aKey()];
  expect(await payloadByPinnedKey(pin(known.key), await other.sign({}, keyIdOf(known.key)), 0)).toBeNull();
  expect(await payloadByPinnedKey(pin(known.key), await known.sign({ n: 1 }, ''), 0)).toEqual({ n: 1 });
  expect(await payloadByPinnedKey(pin(known.key), 'a.b.c', 0)).toBeNull();
});
