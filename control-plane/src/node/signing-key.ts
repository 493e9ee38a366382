import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { closeSync, constants, existsSync, fsyncSync, openSync, readFileSync, renameSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { Problem } from '@drover/shared/lib/problem';
import { type KeySuccession, PublicKey, SUCCESSION_MAX } from '@drover/shared/protocol/agent-api';
import { keyIdOf } from '@drover/shared/protocol/host-key';
import { exportJWK, generateKeyPair } from 'jose';
import { z } from 'zod';
import type { Signer } from '../signer.ts';
import { signJws, verifyJws } from './jws.ts';

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

/** The control plane's key in a file that only its owner may read; made on the first start. Whoever has it commands every host. */
export async function openSigner(path: string, now: () => number): Promise<Signer> {
  if (!existsSync(path)) write(path, { ...(await newKey()), previous: [], succession: [] });
  let file = readKey(path);
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
    write(path, after);
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

async function newKey(): Promise<PublicKey & { readonly d: string }> {
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const { kty, crv, x, d } = await exportJWK(privateKey);
  return { ...PublicKey.parse({ kty, crv, x }), d: Secret.parse(d) };
}

const write = (path: string, file: KeyFile): void => writePrivate(path, `${JSON.stringify(KeyFile.parse(file))}\n`);

function readKey(path: string): KeyFile {
  if ((statSync(path).mode & 0o077) !== 0) {
    throw new Problem('not-allowed', `${path} can be read by others`, {
      suggestion: `chmod 600 ${path}, and ask yourself who has read it`,
    });
  }
  try {
    return KeyFile.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    throw new Problem('internal', `${path} does not hold a signing key`, {
      cause,
      suggestion: 'restore it from a backup: hosts obey only the key they know',
    });
  }
}

/** For its owner's eyes, whole or not at all, and durable. */
export function writePrivate(path: string, text: string): void {
  const temporary = `${path}.new`;
  const file = openSync(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC, 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
  const folder = openSync(dirname(path), 'r');
  fsyncSync(folder);
  closeSync(folder);
}
