import { type KeyObject, sign, verify } from 'node:crypto';
import { z } from 'zod';

/**
 * Compact JWS by Ed25519, with Node's own functions: each command, and each password of a host, is signed and checked here, which by
 * way of WebCrypto and its thread pool takes ten times as long.
 */
export function signJws(payload: Readonly<Record<string, unknown>>, keyId: string, key: KeyObject): string {
  const said = `${encoded({ alg: 'EdDSA', kid: keyId })}.${encoded(payload)}`;
  return `${said}.${sign(null, Buffer.from(said), key).toString('base64url')}`;
}

/** The payload, when the key that `keyOf` gives for the one that it names has signed it; throws otherwise. */
export function verifyJws(jws: string, keyOf: (keyId: string | undefined) => KeyObject): Readonly<Record<string, unknown>> {
  const [header = '', payload = '', signature = '', ...more] = jws.split('.');
  const { kid } = Header.parse(decoded(header));
  if (more.length > 0 || !verify(null, Buffer.from(`${header}.${payload}`), keyOf(kid), Buffer.from(signature, 'base64url')))
    throw new Error('the signature does not fit');
  return Payload.parse(decoded(payload));
}

/** What is not understood must not be passed over: `crit` would ask for just that. */
const Header = z.object({ alg: z.literal('EdDSA'), kid: z.string().optional(), crit: z.never().optional() });
const Payload = z.record(z.string(), z.unknown());

const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const decoded = (part: string): unknown => JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
