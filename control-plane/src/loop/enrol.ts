import type { Clock } from '@drover/shared/lib/clock';
import { Problem } from '@drover/shared/lib/problem';
import type { Random } from '@drover/shared/lib/random';
import type { AuditFacts } from '@drover/shared/model/audit';
import { HostId } from '@drover/shared/model/id';
import type {
  ConnectRequest,
  Credentials,
  EnrolCheckReply,
  EnrolCheckRequest,
  EnrolReply,
  EnrolRequest,
  HostKeyRequest,
  PublicKey,
} from '@drover/shared/protocol/agent-api';
import { hostIdOfKey } from '@drover/shared/protocol/host-key';
import { SealingKey } from '@drover/shared/protocol/sealed';
import { compactVerify, importJWK } from 'jose';
import { z } from 'zod';
import type { Cells } from '../broker/cells.ts';
import type { HostLogin } from '../broker/profile.ts';
import type { Host } from '../core/held.ts';
import { checkEnrolment, enrolHost, replaceKey } from '../core/hosts.ts';
import type { EnrolmentDecisionView } from '../core/views.ts';
import type { Recorded } from '../db/audit-write.ts';
import { hashOfSecret } from '../db/secret.ts';
import type { Store } from '../db/store.ts';
import type { Signer } from '../signer.ts';
import type { Admission } from './admission.ts';
import { performer } from './perform.ts';

export const ENROLMENT_MS = 3_600_000;
/** How old a host's signed request may be, and how far its clock may be ahead. */
const REQUEST_MS = 300_000;
const CREDENTIALS_MS = 24 * 3_600_000;
export const MQTT_AUDIENCE = 'drover-mqtt';

export interface EnrolContext {
  readonly store: Store;
  readonly signer: Signer;
  readonly clock: Clock;
  readonly random: Random;
}

/** A new enrolment token, good for one host and for an hour. */
export async function mintEnrolment(
  context: EnrolContext,
  by: string,
  name: string | null,
  record?: Recorded,
): Promise<{ token: string; expiresAtMs: number }> {
  const token = context.random.text(40);
  const expiresAtMs = context.clock.now() + ENROLMENT_MS;
  await context.store.access.addEnrolment({ tokenHash: hashOfSecret(token), name, createdBy: by, expiresAtMs }, record);
  return { token, expiresAtMs };
}

/** POST /agent/v1/enrol. Throws Problem. */
export async function enrol(context: EnrolContext, request: EnrolRequest): Promise<EnrolReply> {
  const { store, signer, clock } = context;
  const proof = Proof.safeParse(await payloadOf(request.proof, request.publicKey));
  if (!proof.success || proof.data.token !== request.token) {
    throw new Problem('not-allowed', 'the proof is not for this enrolment', { field: 'proof' });
  }
  const hostId = hostIdOfKey(request.publicKey);
  const tokenHash = hashOfSecret(request.token);
  const { answer } = await performer(store, () => {})(
    () => store.views.enrolment(tokenHash, request.publicKey),
    (view) => {
      const { change, answer } = enrolHost(view, { hostId, publicKey: request.publicKey, hostname: request.hostname }, clock.now());
      return { change: { ...change, audit: [enrolmentRecord(view, hostId, clock.now())] }, answer };
    },
  );
  return { ...answer, signingKeys: [...signer.publicKeys] };
}

const enrolmentRecord = ({ enrolment, existing }: EnrolmentDecisionView, hostId: HostId, atMs: number): AuditFacts => ({
  ...{ atMs, who: enrolment?.createdBy ?? 'drover', whoId: null, via: 'an enrolment token', tokenId: null, address: null },
  ...{ action: 'enrol a host', kind: 'host', id: hostId, name: existing?.name ?? enrolment?.name ?? null, generation: null, taskId: null },
  ...{ outcome: 'done', detail: existing ? 'known before, by its key' : null },
});

/** POST /agent/v1/enrol/check: says what enrol would, and writes nothing. Throws Problem. */
export async function enrolCheck(
  { store, clock }: Pick<EnrolContext, 'store' | 'clock'>,
  { token, publicKey }: EnrolCheckRequest,
): Promise<EnrolCheckReply> {
  const view = await store.views.enrolment(hashOfSecret(token), publicKey ?? null);
  const key = publicKey ? { hostId: hostIdOfKey(publicKey), publicKey } : null;
  const { name, expiresAtMs } = checkEnrolment(view, key, clock.now());
  return { host: view.existing?.name ?? null, name, expiresAtMs };
}

/** POST /agent/v1/connect. `socketUrl`: where the caller reaches us, from its own Host header: wss://… */
export async function connect(
  context: EnrolContext & { readonly cells: Pick<Cells, 'credentials' | 'serves'>; readonly admission: Admission },
  request: ConnectRequest,
  socketUrl: string,
): Promise<Credentials> {
  const retryAfterS = context.admission.secondsToWait(request.hostId);
  if (retryAfterS !== null) {
    throw new Problem('too-many-requests', 'many hosts come at once; this one is to come again', { retryable: true, retryAfterS });
  }
  const { host, claims, byPreviousKey } = await signerOfRequest(context, request.request, 'drover-connect');
  const hostId = host.id;
  if (hostId !== request.hostId) throw new Problem('not-signed-in', 'the request was signed by another host', { field: 'request' });
  // Where another process hears the cell, nobody here would notice that it has arrived.
  if (context.cells.serves(host.cell)) context.admission.enter(hostId);
  if (claims.sealingKey !== undefined) await context.store.sealingKeys.learnSealingKey(hostId, claims.sealingKey);
  const nowMs = context.clock.now();
  if (host.previousKey && !byPreviousKey) {
    await context.store.commit({ by: host.name, atMs: nowMs, hosts: [{ id: hostId, previousKey: null }] });
  }
  return { ...(await context.cells.credentials(host, socketUrl)), keySuccession: [...context.signer.succession] };
}

/** With what a host signs in at the embedded broker. */
export async function embeddedLogin({ signer, clock }: Pick<EnrolContext, 'signer' | 'clock'>, hostId: HostId): Promise<HostLogin> {
  const nowMs = clock.now();
  const expiresAtMs = nowMs + CREDENTIALS_MS;
  const password = await signer.sign({ sub: hostId, aud: MQTT_AUDIENCE, iat: seconds(nowMs), exp: seconds(expiresAtMs) });
  return { username: hostId, clientId: hostId, password, subQos: 1, expiresAtMs };
}

/** The host that signed this JWS for this audience within the last five minutes; throws Problem not-signed-in. For GET /agent/v1/uploads/{id}: audience 'drover-upload'. */
export async function hostOfRequest(context: Pick<EnrolContext, 'store' | 'clock'>, jws: string, audience: string): Promise<HostId> {
  return (await signerOfRequest(context, jws, audience)).host.id;
}

/** POST /agent/v1/key: the host's own key is replaced on its own word, and on that of the new one. Throws Problem. */
export async function changeHostKey(context: EnrolContext, request: HostKeyRequest): Promise<{ hostId: HostId }> {
  const { store, clock } = context;
  const { host, claims } = await signerOfRequest(context, request.request, 'drover-host-key');
  const proof = Claims.safeParse(await payloadOf(request.proof, request.publicKey));
  const isMeant = claims.key === request.publicKey.x && proof.data?.sub === host.id && proof.data.aud === 'drover-host-key';
  if (host.id !== request.hostId || !isMeant) throw new Problem('not-allowed', 'the proof is not for this key', { field: 'proof' });
  await store.commit(replaceKey(host, request.publicKey, clock.now()));
  return { hostId: host.id };
}

async function signerOfRequest(
  context: Pick<EnrolContext, 'store' | 'clock'>,
  jws: string,
  audience: string,
): Promise<{ readonly host: Host; readonly claims: z.infer<typeof Claims>; readonly byPreviousKey: boolean }> {
  const claimed = Claims.safeParse(unverifiedPayload(jws));
  const host = claimed.success ? await context.store.knownHost(claimed.data.sub) : null;
  if (!claimed.success || !host) {
    throw new Problem('not-signed-in', 'this host is not known here', { suggestion: 'enrol it with a new token: drover host add' });
  }
  const { claims, byPreviousKey } = await claimsBy(host, jws);
  if (claims.aud !== audience) throw new Problem('not-signed-in', 'the request was signed for another purpose');
  const ageMs = context.clock.now() - claims.iat * 1_000;
  if (Math.abs(ageMs) > REQUEST_MS) {
    throw new Problem(
      'not-signed-in',
      `the request was signed ${Math.round(Math.abs(ageMs) / 1_000)} s ${ageMs > 0 ? 'ago' : 'in the future'}`,
      {
        suggestion: 'set the clock of the host',
      },
    );
  }
  refuseRevoked(host);
  return { host, claims, byPreviousKey };
}

async function claimsBy(host: Host, jws: string): Promise<{ readonly claims: z.infer<typeof Claims>; readonly byPreviousKey: boolean }> {
  try {
    return { claims: Claims.parse(await payloadOf(jws, host.publicKey)), byPreviousKey: false };
  } catch (thrown) {
    if (!host.previousKey) throw thrown;
    return { claims: Claims.parse(await payloadOf(jws, host.previousKey)), byPreviousKey: true };
  }
}

function refuseRevoked({ name, revokedAtMs }: Host): void {
  if (revokedAtMs === null) return;
  throw new Problem('not-allowed', `the host ${name} was cut off by its operator`, { suggestion: `drover host admit ${name}` });
}

/** The host that this MQTT password lets in, and until when; throws Problem when it does not. */
export async function hostOfPassword(
  context: Pick<EnrolContext, 'store' | 'clock' | 'signer'>,
  password: string,
): Promise<{ hostId: HostId; cell: string; expiresAtMs: number }> {
  const claims = PasswordClaims.parse(await context.signer.verify(password));
  if (claims.exp * 1_000 <= context.clock.now()) throw new Problem('not-signed-in', 'the password has expired');
  const host = await context.store.knownHost(claims.sub);
  if (!host) throw new Problem('not-signed-in', `host ${claims.sub} was forgotten`);
  refuseRevoked(host);
  return { hostId: claims.sub, cell: host.cell, expiresAtMs: claims.exp * 1_000 };
}

const Proof = z.object({ token: z.string(), aud: z.literal('drover-enrol') });
const Claims = z.object({
  sub: HostId,
  aud: z.string(),
  iat: z.number(),
  key: z.string().optional(),
  sealingKey: SealingKey.optional().catch(undefined),
});
const PasswordClaims = z.object({ sub: HostId, aud: z.literal(MQTT_AUDIENCE), exp: z.number() });

const seconds = (ms: number): number => Math.floor(ms / 1_000);

async function payloadOf(jws: string, publicKey: PublicKey): Promise<unknown> {
  try {
    const { payload } = await compactVerify(jws, await importJWK(publicKey, 'EdDSA'), { algorithms: ['EdDSA'] });
    return JSON.parse(new TextDecoder().decode(payload));
  } catch (cause) {
    throw new Problem('not-signed-in', 'the signature is not by the key of this host', { cause });
  }
}

/** Only to find out whose key to check it with. */
function unverifiedPayload(jws: string): unknown {
  try {
    const middle = (jws.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/');
    return JSON.parse(atob(middle));
  } catch {
    return null;
  }
}
