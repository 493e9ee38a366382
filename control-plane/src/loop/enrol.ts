import type { Clock } from '@drover/shared/lib/clock';
import type { Random } from '@drover/shared/lib/random';
import type { HostId } from '@drover/shared/model/id';
import type { ConnectRequest, Credentials, EnrolReply, EnrolRequest } from '@drover/shared/protocol/agent-api';
import type { Store } from '../db/store.ts';
import type { Signer } from '../signer.ts';

export interface EnrolContext {
  readonly store: Store;
  readonly signer: Signer;
  readonly clock: Clock;
  readonly random: Random;
}

/** POST /agent/v1/enrol. Throws Problem. */
export declare function enrol(context: EnrolContext, request: EnrolRequest): Promise<EnrolReply>;
/** POST /agent/v1/connect. `mqttUrl`: where the caller reaches the broker, from its own Host header: wss://…/mqtt. */
export declare function connect(context: EnrolContext, request: ConnectRequest, mqttUrl: string): Promise<Credentials>;
/** The host that signed this JWS for this audience within the last five minutes; throws Problem not-signed-in. For GET /agent/v1/uploads/{id}: audience 'drover-upload'. */
export declare function hostOfRequest(context: EnrolContext, jws: string, audience: string): Promise<HostId>;
/** A new enrolment token, good for one host and for an hour. */
export declare function mintEnrolment(
  context: EnrolContext,
  by: string,
  name: string | null,
): Promise<{ token: string; expiresAtMs: number }>;
