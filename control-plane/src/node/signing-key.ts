import { closeSync, constants, existsSync, fsyncSync, openSync, readFileSync, renameSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { digest } from '@drover/shared/lib/digest';
import { Problem } from '@drover/shared/lib/problem';
import { PublicKey } from '@drover/shared/protocol/agent-api';
import { CompactSign, compactVerify, exportJWK, generateKeyPair, importJWK } from 'jose';
import { z } from 'zod';
import type { Signer } from '../signer.ts';

const KeyFile = z.strictObject({ ...PublicKey.shape, d: z.string().regex(/^[A-Za-z0-9_-]{43}$/) });

/** The control plane's key in a file that only its owner may read; made on the first start. Whoever has it commands every host. */
export async function openSigner(path: string): Promise<Signer> {
  if (!existsSync(path)) await makeKey(path);
  const file = readKey(path);
  const { d: _d, ...publicKey } = file;
  const keyId = digest(publicKey).slice(0, 16);
  const privateKey = await importJWK(file, 'EdDSA');
  const verifyingKey = await importJWK(publicKey, 'EdDSA');
  const header = { alg: 'EdDSA', kid: keyId };
  return {
    keyId,
    publicKeys: [publicKey],
    sign: (payload) => new CompactSign(new TextEncoder().encode(JSON.stringify(payload))).setProtectedHeader(header).sign(privateKey),
    async verify(jws) {
      try {
        const { payload } = await compactVerify(jws, verifyingKey, { algorithms: ['EdDSA'] });
        return z.record(z.string(), z.unknown()).parse(JSON.parse(new TextDecoder().decode(payload)));
      } catch (cause) {
        throw new Problem('not-signed-in', 'this was not signed by this control plane', { cause });
      }
    },
  };
}

async function makeKey(path: string): Promise<void> {
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const { kty, crv, x, d } = await exportJWK(privateKey);
  writePrivate(path, `${JSON.stringify(KeyFile.parse({ kty, crv, x, d }))}\n`);
}

function readKey(path: string): z.infer<typeof KeyFile> {
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
