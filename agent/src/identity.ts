import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { Problem } from '@drover/shared/lib/problem';
import { HostId } from '@drover/shared/model/id';
import { EnrolReply, PublicKey } from '@drover/shared/protocol/agent-api';
import { fingerprintOfKey, keyIdOf } from '@drover/shared/protocol/host-key';
import type { SealedForHost, SealingKey } from '@drover/shared/protocol/sealed';
import { importJWK, SignJWT } from 'jose';
import { z } from 'zod';
import type { Disk } from './host/disk.ts';
import { openSealed, sealingKeyOf } from './sealing-key.ts';
import { followSuccession, keyIdIn, PinnedKeys, payloadByPinnedKey } from './signing-keys.ts';

const PrivateKey = PublicKey.extend({ d: z.string() });
export type PrivateKey = z.infer<typeof PrivateKey>;

/** Who this host is: made on the host at enrolment; the private key never leaves it. */
const IdentityFile = z.object({
  hostId: HostId,
  name: z.string(),
  privateKey: PrivateKey,
  ...PinnedKeys.shape,
  controlPlaneUrl: z.string(),
});
type IdentityFile = z.infer<typeof IdentityFile>;

export interface Identity {
  readonly hostId: HostId;
  readonly name: string;
  /** Of the host's own key, as the control plane shows it. */
  readonly fingerprint: string;
  /** Of the newest key of the control plane that is pinned here. */
  readonly signerFingerprint: string;
  /** What a JWS of the control plane says; null: no key that is pinned here has signed it. */
  payloadOf(jws: string, nowMs: number): Promise<unknown>;
  /** Whether this JWS says that it is by a key which is not pinned here. */
  namesUnknownKey(jws: string): boolean;
  /** Pins new keys of the control plane, on the word of the one that was pinned before; durably. */
  follow(succession: readonly string[], nowMs: number): Promise<void>;
  /** The host's own key, to show a certificate for it. */
  privateKeyPem(): string;
  /** What the control plane seals to, for this host alone. */
  readonly sealingKey: SealingKey;
  /** What was sealed to it for that place. Throws Problem. */
  openSealed(sealed: SealedForHost, context: string): Promise<string>;
  /** A compact JWS by the host's key. */
  sign(claims: Record<string, unknown>, nowMs: number): Promise<string>;
}

const fileIn = (dataPath: string) => `${dataPath}/identity.json`;
const keyFileIn = (dataPath: string) => `${dataPath}/host-key.json`;

export function readIdentity(dataPath: string, disk: Disk): Identity | null {
  const known = readFile(dataPath, disk);
  return known && identityIn(dataPath, disk, known);
}

/** As the file says at each moment: the key may be replaced while the agent runs. */
function identityIn(dataPath: string, disk: Disk, { hostId, name }: IdentityFile): Identity {
  const present = (): IdentityFile => {
    const file = readFile(dataPath, disk);
    if (!file) throw new Problem('not-found', `${fileIn(dataPath)} is gone`, { suggestion: 'enrol this host again' });
    return file;
  };
  let pinned: PinnedKeys = present();
  return {
    hostId,
    name,
    get fingerprint() {
      return fingerprintOfKey(present().privateKey);
    },
    get signerFingerprint() {
      const [newest] = pinned.signingKeys;
      return newest ? fingerprintOfKey(newest) : '';
    },
    payloadOf: (jws, nowMs) => payloadByPinnedKey(pinned, jws, nowMs),
    namesUnknownKey(jws) {
      const kid = keyIdIn(jws);
      const known = [...pinned.signingKeys, ...pinned.retiredKeys.map(({ key }) => key)];
      return kid !== null && !known.some((key) => keyIdOf(key) === kid);
    },
    async follow(succession, nowMs) {
      const next = await followSuccession(pinned, succession, nowMs);
      if (next === pinned) return;
      writeFile(dataPath, disk, { ...present(), ...next });
      pinned = next;
    },
    privateKeyPem: () => createPrivateKey({ key: present().privateKey, format: 'jwk' }).export({ type: 'pkcs8', format: 'pem' }).toString(),
    get sealingKey() {
      return sealingKeyOf(present().privateKey.d);
    },
    openSealed: (sealed, context) => openSealed(sealed, present().privateKey.d, { host: hostId, context }),
    sign: (claims, nowMs) => signBy(present().privateKey, claims, nowMs),
  };
}

function readFile(dataPath: string, disk: Disk): IdentityFile | null {
  const text = disk.read(fileIn(dataPath));
  if (text === null) return null;
  try {
    return IdentityFile.parse(JSON.parse(text));
  } catch (cause) {
    throw new Problem('internal', `${fileIn(dataPath)} is damaged`, {
      cause,
      suggestion: 'restore it from a backup, or remove it and enrol this host again',
    });
  }
}

const writeFile = (dataPath: string, disk: Disk, file: IdentityFile): void =>
  disk.writeAtomically(fileIn(dataPath), JSON.stringify(file, null, 2));

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
  const publicKey = publicPartOf(privateKey);
  const proof = await signBy(privateKey, { token, aud: 'drover-enrol' }, nowMs);
  const reply = EnrolReply.parse(await post(`${controlPlaneUrl}/agent/v1/enrol`, { token, publicKey, hostname, proof }));
  const { hostId, name, signingKeys } = reply;
  const file = { hostId, name, privateKey, signingKeys, retiredKeys: [], controlPlaneUrl };
  writeFile(dataPath, disk, file);
  return identityIn(dataPath, disk, file);
}

/** The key is kept before it is used, so that an enrolment whose answer was lost can be repeated as the same host. */
function hostKey(dataPath: string, disk: Disk): PrivateKey {
  const known = disk.read(keyFileIn(dataPath));
  if (known !== null) return PrivateKey.parse(JSON.parse(known));
  const key = newKey();
  disk.writeAtomically(keyFileIn(dataPath), JSON.stringify(key));
  return key;
}

/** For a host that was forgotten: its old key is of no more use anywhere. It is kept aside for whoever wants to look. */
export function discardHostKey(dataPath: string, disk: Disk, nowMs: number): void {
  for (const path of [keyFileIn(dataPath), nextKeyFileIn(dataPath), fileIn(dataPath)]) {
    if (disk.read(path) !== null) disk.rename(path, `${path}.${nowMs}.old`);
  }
}

const nextKeyFileIn = (dataPath: string) => `${dataPath}/host-key-next.json`;

/**
 * Gives this host a new key, which the control plane accepts on the word of the old one. Safe to repeat at any point: the new key is
 * kept before it is shown, and both count until the new one has been used.
 */
export async function rotateHostKey(dataPath: string, disk: Disk, nowMs: number): Promise<Identity> {
  const file = readFile(dataPath, disk);
  if (!file) throw new Problem('not-found', `${dataPath} holds no enrolled host`, { suggestion: 'run drover-agent enrol first' });
  const kept = disk.read(nextKeyFileIn(dataPath));
  const next = kept === null ? newKey() : PrivateKey.parse(JSON.parse(kept));
  disk.writeAtomically(nextKeyFileIn(dataPath), JSON.stringify(next));
  const { hostId, controlPlaneUrl } = file;
  const publicKey = publicPartOf(next);
  const request = await signBy(file.privateKey, { sub: hostId, aud: 'drover-host-key', key: publicKey.x }, nowMs);
  const proof = await signBy(next, { sub: hostId, aud: 'drover-host-key' }, nowMs);
  await post(`${controlPlaneUrl}/agent/v1/key`, { hostId, publicKey, request, proof });
  disk.writeAtomically(keyFileIn(dataPath), JSON.stringify(next));
  writeFile(dataPath, disk, { ...file, privateKey: next });
  disk.remove(nextKeyFileIn(dataPath));
  return identityIn(dataPath, disk, file);
}

function newKey(): PrivateKey {
  const { kty, crv, x, d } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  return PrivateKey.parse({ kty, crv, x, d });
}

function publicPartOf({ kty, crv, x }: PrivateKey): PublicKey {
  return { kty, crv, x };
}

async function signBy(privateKey: PrivateKey, claims: Record<string, unknown>, nowMs: number): Promise<string> {
  const key = await importJWK(privateKey, 'EdDSA');
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'EdDSA' })
    .setIssuedAt(Math.floor(nowMs / 1_000))
    .sign(key);
}

const POST_MS = 15_000;
/** However long somebody wants us to stay away. */
const RETRY_AFTER_MAX_S = 120;

/** Posts JSON to the control plane; its problem+json becomes a Problem here. */
export async function post(url: string, body: unknown): Promise<unknown> {
  const answer = await postForResponse(url, body);
  if (answer.problem) throw answer.problem;
  return answer.body;
}

/** The same, with the time at which it was answered, also when it was refused. */
export async function postForResponse(
  url: string,
  body: unknown,
): Promise<{ readonly body: unknown; readonly date: string | null; readonly problem: Problem | null }> {
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
  const date = response.headers.get('date');
  return { body: answer, date, problem: response.ok ? null : problemOfAnswer(response, answer) };
}

function problemOfAnswer({ status, headers }: Response, answer: unknown): Problem {
  const retryAfterS = Number(headers.get('retry-after') ?? Number.NaN);
  const said = z.object({ detail: z.string(), suggestion: z.string().optional() }).safeParse(answer);
  return new Problem(status >= 500 ? 'timeout' : 'not-allowed', said.data?.detail ?? `the control plane answered ${status}`, {
    suggestion: said.data?.suggestion,
    retryable: status >= 500 || status === 429,
    retryAfterS: Number.isFinite(retryAfterS) ? Math.min(Math.max(retryAfterS, 0), RETRY_AFTER_MAX_S) : undefined,
  });
}
