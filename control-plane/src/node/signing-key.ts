import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { Problem } from '@drover/shared/lib/problem';
import { type KeySuccession, PublicKey, SUCCESSION_MAX } from '@drover/shared/protocol/agent-api';
import { keyIdOf } from '@drover/shared/protocol/host-key';
import { exportJWK, generateKeyPair } from 'jose';
import { z } from 'zod';
import type { Signer } from '../signer.ts';
import type { Vault } from '../vault.ts';
import { signJws, verifyJws } from './jws.ts';
import { readSealed, writeSealed } from './sealed-file.ts';

const Secret = z.string().regex(/^[A-Za-z0-9_-]{43}$/);
const KeyFile = z.strictObject({
  ...PublicKey.shape,
  d: Secret,
  /** Public halves of earlier keys, for what they had signed. The private ones are gone. */
  previous: z.array(z.strictObject({ key: PublicKey, untilMs: z.number().int() })).default([]),
  succession: z.array(z.string()).max(SUCCESSION_MAX).default([]),
});
type KeyFile = z.infer<typeof KeyFile>;

/** Longer than what a key has signed is good for: passwords of hosts, and commands under way. */
const OVERLAP_MS = 25 * 3_600_000;

/** The control plane's key in a sealed file; made on the first start. Whoever has it commands every host. */
export async function openSigner(path: string, now: () => number, vault: Vault): Promise<Signer> {
  let file = (await readSealed(path, vault, (text) => keyIn(text, path))) ?? (await firstKey(path, vault));
  let privateKey = privateKeyOf(file);
  // Named in each command.
  let keyId = keyIdOf(file);
  let rotating: Promise<void> = Promise.resolve();

  async function rotate(): Promise<void> {
    const next = await newKey();
    const nowMs = now();
    const link: KeySuccession = { aud: 'drover-next-key', key: publicPartOf(next), issuedAtMs: nowMs, overlapMs: OVERLAP_MS };
    const succession = [...file.succession, signJws(link, keyId, privateKey)].slice(-SUCCESSION_MAX);
    const previous = [...file.previous.filter(({ untilMs }) => nowMs < untilMs), { key: publicPartOf(file), untilMs: nowMs + OVERLAP_MS }];
    const after: KeyFile = { ...next, previous, succession };
    // From here on the old private key is nowhere any more.
    await write(path, after, vault);
    file = after;
    privateKey = privateKeyOf(file);
    keyId = keyIdOf(file);
  }

  return {
    get keyId() {
      return keyId;
    },
    get publicKeys() {
      return [publicPartOf(file)];
    },
    get succession() {
      return file.succession;
    },
    sign: async (payload) => signJws(payload, keyId, privateKey),
    async verify(jws) {
      const nowMs = now();
      const present = publicPartOf(file);
      const earlier = file.previous.filter(({ untilMs }) => nowMs < untilMs).map(({ key }) => key);
      try {
        return verifyJws(jws, (kid) => publicKeyOf([present, ...earlier].find((each) => keyIdOf(each) === kid) ?? present));
      } catch (cause) {
        throw new Problem('not-signed-in', 'this was not signed by this control plane', { cause });
      }
    },
    rotate() {
      rotating = rotating.then(rotate, rotate);
      return rotating;
    },
  };
}

const privateKeyOf = ({ kty, crv, x, d }: KeyFile): KeyObject => createPrivateKey({ key: { kty, crv, x, d }, format: 'jwk' });
const publicKeyOf = (key: PublicKey): KeyObject => createPublicKey({ key, format: 'jwk' });
const publicPartOf = ({ kty, crv, x }: PublicKey): PublicKey => ({ kty, crv, x });

async function firstKey(path: string, vault: Vault): Promise<KeyFile> {
  const first: KeyFile = { ...(await newKey()), previous: [], succession: [] };
  await write(path, first, vault);
  return first;
}

async function newKey(): Promise<PublicKey & { readonly d: string }> {
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const { kty, crv, x, d } = await exportJWK(privateKey);
  return { ...PublicKey.parse({ kty, crv, x }), d: Secret.parse(d) };
}

const write = (path: string, file: KeyFile, vault: Vault): Promise<void> =>
  writeSealed(path, `${JSON.stringify(KeyFile.parse(file))}\n`, vault);

function keyIn(text: string, path: string): KeyFile {
  try {
    return KeyFile.parse(JSON.parse(text));
  } catch {
    // What was read may be half a key: it is not passed on as the cause.
    throw new Problem('internal', `${path} does not hold a signing key`, {
      suggestion: 'restore it from a backup: hosts obey only the key they know',
    });
  }
}
