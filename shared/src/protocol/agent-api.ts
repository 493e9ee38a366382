import { z } from 'zod';
import { HostId } from '../model/id.ts';
import { AgentRelease } from '../model/task.ts';

/** The few HTTPS calls an agent makes. Requests are signed by the host's own Ed25519 key (compact JWS). */
export const PublicKey = z.strictObject({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: z.string().regex(/^[A-Za-z0-9_-]{43}$/) });
export type PublicKey = z.infer<typeof PublicKey>;

/** POST /agent/v1/enrol. `proof` is a JWS by the host's key over {token, aud: 'drover-enrol'}: shows that the caller holds the key. */
export const EnrolRequest = z.strictObject({
  token: z.string().min(16).max(128),
  publicKey: PublicKey,
  hostname: z.string().min(1).max(253),
  proof: z.string().max(4_096),
});
export type EnrolRequest = z.infer<typeof EnrolRequest>;
export const EnrolReply = z.object({
  hostId: HostId,
  name: z.string(),
  /** The keys that commands are signed with: pinned by the agent. */ signingKeys: z.array(PublicKey).min(1),
});
export type EnrolReply = z.infer<typeof EnrolReply>;

/** POST /agent/v1/enrol/check: would this token let the machine in? It is not used up. `publicKey`: of a machine that has its key already. */
export const EnrolCheckRequest = z.strictObject({ token: z.string().max(128), publicKey: PublicKey.optional() });
export type EnrolCheckRequest = z.infer<typeof EnrolCheckRequest>;
export const EnrolCheckReply = z.object({
  /** The host that this key already is here; null: none, or there is no key yet. */
  host: z.string().nullable(),
  /** What the new host shall be called; null: as it calls itself. */
  name: z.string().nullable(),
  expiresAtMs: z.number().int(),
});
export type EnrolCheckReply = z.infer<typeof EnrolCheckReply>;

/**
 * How the control plane changes its signing key: a JWS over this by the key before. Links form a chain, so that a host that was
 * away follows it from the key that it knows to the newest, though nobody holds the older private keys any more.
 */
export const KeySuccession = z.object({
  aud: z.literal('drover-next-key'),
  key: PublicKey,
  issuedAtMs: z.number().int(),
  /** How long after `issuedAtMs` what the key before has signed still counts. */
  overlapMs: z.number().int().min(0),
});
export type KeySuccession = z.infer<typeof KeySuccession>;
export const SUCCESSION_MAX = 64;

/**
 * POST /agent/v1/key. `request`: by the host's present key over {sub: hostId, aud: 'drover-host-key', iat, key: publicKey.x};
 * `proof`: by the new one over {sub: hostId, aud: 'drover-host-key', iat}. The host's id stays: it is of its first key.
 */
export const HostKeyRequest = z.strictObject({
  hostId: HostId,
  publicKey: PublicKey,
  request: z.string().max(4_096),
  proof: z.string().max(4_096),
});
export type HostKeyRequest = z.infer<typeof HostKeyRequest>;
export const HostKeyReply = z.object({ hostId: HostId });

/** POST /agent/v1/connect. `request` is a JWS by the host's key over {sub: hostId, aud: 'drover-connect', iat, sealingKey?} (sealed.ts). */
export const ConnectRequest = z.strictObject({ hostId: HostId, request: z.string().max(4_096) });
export type ConnectRequest = z.infer<typeof ConnectRequest>;
/** Opaque to the agent, short-lived. */
export const Credentials = z.object({
  urls: z.array(z.string()).min(1),
  username: z.string(),
  clientId: z.string(),
  password: z.string(),
  /** PEM, for the host's own key: the broker knows its clients by certificates. */
  certificate: z.string().max(16_384).optional(),
  /** PEM: who has issued the certificate of a broker at an mqtts address; absent: a public authority. */
  authority: z.string().max(16_384).optional(),
  cell: z.string(),
  subQos: z.union([z.literal(0), z.literal(1)]),
  expiresAtMs: z.number().int(),
  /** KeySuccession links, oldest first. */
  keySuccession: z.array(z.string().max(2_048)).max(SUCCESSION_MAX).optional(),
});
export type Credentials = z.infer<typeof Credentials>;

/** GET /agent/v1/uploads/{uploadId} with `Authorization: Bearer <JWS over {sub: hostId, aud: 'drover-upload', iat}>`: the bytes of an uploaded image; honours Range. */
export const UPLOAD_PATH = '/agent/v1/uploads/';
/** GET: the Debian package of the agent, of the control plane's own version. */
export const AGENT_PACKAGE_PATH = '/agent/v1/drover-agent.deb';
/** GET: what the control plane's key says of that package: ReleaseReply. */
export const RELEASE_PATH = '/agent/v1/release';
export const ReleaseReply = z.object({
  /** A JWS over ReleaseClaims by the control plane's signing key. */
  jws: z.string(),
  publicKey: PublicKey,
});
export type ReleaseReply = z.infer<typeof ReleaseReply>;
export const ReleaseClaims = z.object({ aud: z.literal('drover-release'), ...AgentRelease.shape });
export type ReleaseClaims = z.infer<typeof ReleaseClaims>;
export const RELAY_PATH = '/relay/';
