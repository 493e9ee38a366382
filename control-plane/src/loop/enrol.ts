import type { Clock } from '@drover/shared/lib/clock';
import { Problem } from '@drover/shared/lib/problem';
import type { Random } from '@drover/shared/lib/random';
import { HostId } from '@drover/shared/model/id';
import type { ConnectRequest, Credentials, EnrolReply, EnrolRequest, PublicKey } from '@drover/shared/protocol/agent-api';
import { hostIdOfKey } from '@drover/shared/protocol/host-key';
import { compactVerify, importJWK } from 'jose';
import { z } from 'zod';
import { enrolHost } from '../core/hosts.ts';
import { hashOfSecret } from '../db/secret.ts';
import type { Store } from '../db/store.ts';
import type { Signer } from '../signer.ts';
import { performer } from './perform.ts';

const ENROLMENT_MS = 3_600_000;
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
): Promise<{ token: string; expiresAtMs: number }> {
  const token = context.random.text(40);
  const expiresAtMs = context.clock.now() + ENROLMENT_MS;
  await context.store.access.addEnrolment({ tokenHash: hashOfSecret(token), name, createdBy: by, expiresAtMs });
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
    () => store.views.enrolment(tokenHash, hostId),
    (view) => enrolHost(view, { hostId, publicKey: request.publicKey, hostname: request.hostname }, clock.now()),
  );
  return { ...answer, signingKeys: [...signer.publicKeys] };
}

/** POST /agent/v1/connect. `mqttUrl`: where the caller reaches the broker, from its own Host header: wss://…/mqtt. */
export async function connect(context: EnrolContext, request: ConnectRequest, mqttUrl: string): Promise<Credentials> {
  const hostId = await hostOfRequest(context, request.request, 'drover-connect');
  if (hostId !== request.hostId) throw new Problem('not-signed-in', 'the request was signed by another host', { field: 'request' });
  const record = await context.store.host(hostId);
  if (!record) throw new Problem('not-signed-in', `host ${hostId} is not known here`);
  const nowMs = context.clock.now();
  const expiresAtMs = nowMs + CREDENTIALS_MS;
  const password = await context.signer.sign({ sub: hostId, aud: MQTT_AUDIENCE, iat: seconds(nowMs), exp: seconds(expiresAtMs) });
  return { urls: [mqttUrl], username: hostId, clientId: hostId, password, cell: record.host.cell, subQos: 1, expiresAtMs };
}

/** The host that signed this JWS for this audience within the last five minutes; throws Problem not-signed-in. For GET /agent/v1/uploads/{id}: audience 'drover-upload'. */
export async function hostOfRequest(context: Pick<EnrolContext, 'store' | 'clock'>, jws: string, audience: string): Promise<HostId> {
  const claimed = Claims.safeParse(unverifiedPayload(jws));
  const record = claimed.success ? await context.store.host(claimed.data.sub) : null;
  if (!claimed.success || !record) {
    throw new Problem('not-signed-in', 'this host is not known here', { suggestion: 'enrol it with a new token: drover host add' });
  }
  const claims = Claims.parse(await payloadOf(jws, record.host.publicKey));
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
  return record.host.id;
}

/** The host that this MQTT password lets in, and until when; throws Problem when it does not. */
export async function hostOfPassword(
  context: Pick<EnrolContext, 'store' | 'clock' | 'signer'>,
  password: string,
): Promise<{ hostId: HostId; expiresAtMs: number }> {
  const claims = PasswordClaims.parse(await context.signer.verify(password));
  if (claims.exp * 1_000 <= context.clock.now()) throw new Problem('not-signed-in', 'the password has expired');
  if (!(await context.store.host(claims.sub))) throw new Problem('not-signed-in', `host ${claims.sub} was forgotten`);
  return { hostId: claims.sub, expiresAtMs: claims.exp * 1_000 };
}

const Proof = z.object({ token: z.string(), aud: z.literal('drover-enrol') });
const Claims = z.object({ sub: HostId, aud: z.string(), iat: z.number() });
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
