import { generateKeyPairSync } from 'node:crypto';
import { Problem } from '@drover/shared/lib/problem';
import { HostId } from '@drover/shared/model/id';
import { EnrolReply, PublicKey } from '@drover/shared/protocol/agent-api';
import { importJWK, SignJWT } from 'jose';
import { z } from 'zod';
import type { Disk } from './host/disk.ts';

const PrivateKey = PublicKey.extend({ d: z.string() });

/** Who this host is: made on the host at enrolment; the private key never leaves it. */
const IdentityFile = z.object({
  hostId: HostId,
  name: z.string(),
  privateKey: PrivateKey,
  signingKeys: z.array(PublicKey).min(1),
  controlPlaneUrl: z.string(),
});

export interface Identity {
  readonly hostId: HostId;
  readonly name: string;
  /** The control plane's keys, pinned at enrolment: commands signed by any other are refused. */
  readonly signingKeys: readonly PublicKey[];
  /** A compact JWS by the host's key. */
  sign(claims: Record<string, unknown>, nowMs: number): Promise<string>;
}

const fileIn = (dataPath: string) => `${dataPath}/identity.json`;
const keyFileIn = (dataPath: string) => `${dataPath}/host-key.json`;

export function readIdentity(dataPath: string, disk: Disk): Identity | null {
  const text = disk.read(fileIn(dataPath));
  if (text === null) return null;
  const parsed = IdentityFile.safeParse(JSON.parse(text));
  if (!parsed.success)
    throw new Problem('internal', `${fileIn(dataPath)} is damaged`, {
      suggestion: 'restore it from a backup, or remove it and enrol this host again',
    });
  const { privateKey, ...identity } = parsed.data;
  return { ...identity, sign: (claims, nowMs) => sign(privateKey, claims, nowMs) };
}

export interface EnrolOptions {
  readonly controlPlaneUrl: string;
  readonly token: string;
  readonly dataPath: string;
  readonly hostname: string;
  readonly disk: Disk;
  readonly nowMs: number;
}

/** Makes this host's key, shows the control plane the one-time token, and pins its keys. Safe to repeat with the same token when the answer was lost. */
export async function enrol(options: EnrolOptions): Promise<Identity> {
  const { controlPlaneUrl, token, dataPath, hostname, disk, nowMs } = options;
  const privateKey = hostKey(dataPath, disk);
  const { d: _secret, ...publicKey } = privateKey;
  const proof = await sign(privateKey, { token, aud: 'drover-enrol' }, nowMs);
  const reply = EnrolReply.parse(await post(`${controlPlaneUrl}/agent/v1/enrol`, { token, publicKey, hostname, proof }));
  const { hostId, name, signingKeys } = reply;
  disk.writeAtomically(fileIn(dataPath), JSON.stringify({ hostId, name, privateKey, signingKeys, controlPlaneUrl }, null, 2));
  return { hostId, name, signingKeys, sign: (claims, atMs) => sign(privateKey, claims, atMs) };
}

/** The key is kept before it is used, so that an enrolment whose answer was lost can be repeated as the same host. */
function hostKey(dataPath: string, disk: Disk): z.infer<typeof PrivateKey> {
  const known = disk.read(keyFileIn(dataPath));
  if (known !== null) return PrivateKey.parse(JSON.parse(known));
  const { kty, crv, x, d } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  const key = PrivateKey.parse({ kty, crv, x, d });
  disk.writeAtomically(keyFileIn(dataPath), JSON.stringify(key));
  return key;
}

async function sign(privateKey: z.infer<typeof PrivateKey>, claims: Record<string, unknown>, nowMs: number): Promise<string> {
  const key = await importJWK(privateKey, 'EdDSA');
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'EdDSA' })
    .setIssuedAt(Math.floor(nowMs / 1_000))
    .sign(key);
}

const POST_MS = 15_000;

/** Posts JSON to the control plane; its problem+json becomes a Problem here. */
export async function post(url: string, body: unknown): Promise<unknown> {
  return (await postForResponse(url, body)).body;
}

export async function postForResponse(url: string, body: unknown): Promise<{ body: unknown; date: string | null }> {
  let response: Response;
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(POST_MS),
    });
  } catch (cause) {
    throw new Problem('timeout', `the control plane at ${new URL(url).origin} cannot be reached`, { cause, retryable: true });
  }
  const answer: unknown = await response.json().catch(() => null);
  if (response.ok) return { body: answer, date: response.headers.get('date') };
  const said = z.object({ detail: z.string(), suggestion: z.string().optional() }).safeParse(answer);
  throw new Problem(
    response.status >= 500 ? 'timeout' : 'not-allowed',
    said.data?.detail ?? `the control plane answered ${response.status}`,
    {
      suggestion: said.data?.suggestion,
      retryable: response.status >= 500 || response.status === 429,
    },
  );
}
