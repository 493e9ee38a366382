import { generateKeyPairSync } from 'node:crypto';
import { CompactSign, compactVerify } from 'jose';
import { describe, expect, it } from 'vitest';
import { signJws, verifyJws } from './jws.ts';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const other = generateKeyPairSync('ed25519');
const byJose = (header: { readonly alg: string; readonly [name: string]: unknown }) =>
  new CompactSign(new TextEncoder().encode('{"a":1}')).setProtectedHeader(header);

describe('a JWS', () => {
  it('of ours is understood by others, and theirs by us', async () => {
    const { payload, protectedHeader } = await compactVerify(signJws({ a: 'ä' }, 'k1', privateKey), publicKey);
    expect(JSON.parse(new TextDecoder().decode(payload))).toEqual({ a: 'ä' });
    expect(protectedHeader).toEqual({ alg: 'EdDSA', kid: 'k1' });
    const theirs = await byJose({ alg: 'EdDSA', kid: 'k2' }).sign(privateKey);
    const asked: unknown[] = [];
    const keyOf = (keyId: string | undefined) => {
      asked.push(keyId);
      return publicKey;
    };
    expect(verifyJws(theirs, keyOf)).toEqual({ a: 1 });
    expect(asked).toEqual(['k2']);
  });

  it('that anything was done to is refused', async () => {
    const jws = signJws({ a: 1 }, 'k1', privateKey);
    const [header = '', payload = '', signature = ''] = jws.split('.');
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const changed = [
      `${header}.${part({ a: 2 })}.${signature}`,
      `${header}.${payload}.`,
      `${header}.${payload}`,
      `${jws}.${payload}`,
      `${part({ alg: 'none' })}.${payload}.`,
      `${part({ alg: 'HS256', kid: 'k1' })}.${payload}.${signature}`,
      await byJose({ alg: 'EdDSA', crit: ['b64'], b64: true }).sign(privateKey),
      signJws({ a: 1 }, 'k1', other.privateKey),
      '',
      '..',
      'x',
    ];
    expect(() => verifyJws(jws, () => publicKey)).not.toThrow();
    for (const each of changed) expect(() => verifyJws(each, () => publicKey), each).toThrow();
  });
});
