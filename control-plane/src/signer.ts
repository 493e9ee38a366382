import type { PublicKey } from '@drover/shared/protocol/agent-api';

/** The control plane's own key: in a file, or in a service for keys. The private half never leaves the implementation. */
export interface Signer {
  readonly keyId: string;
  /** What hosts pin at enrolment. */
  readonly publicKeys: readonly PublicKey[];
  /** How hosts that pinned an earlier key learn of the present one: KeySuccession links, oldest first. */
  readonly succession: readonly string[];
  /** A compact JWS (EdDSA) over the JSON of `payload`. */
  sign(payload: Readonly<Record<string, unknown>>): Promise<string>;
  /** The payload of a JWS that this control plane signed; throws Problem when it did not. Does not look at `exp`. */
  verify(jws: string): Promise<Readonly<Record<string, unknown>>>;
  /** From now on another key signs; what the one before has signed still counts for a day. */
  rotate(): Promise<void>;
}
