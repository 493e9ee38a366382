import type { Clock } from '@drover/shared/lib/clock';
import type { Random } from '@drover/shared/lib/random';
import type { HostId } from '@drover/shared/model/id';
import type { AgentRelease } from '@drover/shared/model/task';
import type { Cells } from '../broker/cells.ts';
import type { Store } from '../db/store.ts';
import type { IdentityPorts } from '../identity/ports.ts';
import type { Admission } from '../loop/admission.ts';
import type { Relay } from '../relay.ts';
import type { Signer } from '../signer.ts';
import type { Uploads } from '../uploads.ts';
import type { WebAssets } from './web-assets.ts';

export interface AgentPackageFile {
  /** `name`: of the file, as drover-agent_0.1.0_all.deb. */
  readonly about: AgentRelease & { readonly name: string };
  bytes(): Promise<Uint8Array<ArrayBuffer>>;
}

/** All that the control plane's face needs of the world. */
export interface AppDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly signer: Signer;
  /** Something is pending for this host. */
  readonly nudge: (hostId: HostId) => void;
  readonly cells: Pick<Cells, 'credentials' | 'setup' | 'checkLogins' | 'serves' | 'disconnect'>;
  readonly admission: Admission;
  readonly relay: Relay;
  readonly identity: IdentityPorts;
  readonly uploads: Uploads;
  /** What hosts install; null: it was not built. */
  readonly agentPackage: AgentPackageFile | null;
  /** The built web page; null: there is none. */
  readonly webAssets: WebAssets | null;
  readonly version: string;
  /** Where people reach this control plane; null: wherever each request says that it did. */
  readonly publicUrl: string | null;
  /** The address at the other end of the connection, from what the runtime hands to fetch beside the request. */
  readonly addressOf: (env: unknown) => string | null;
  /** Where other machines may reach this one. */
  readonly ownAddresses: () => readonly string[];
  /** An error that is nobody's mistake but ours. */
  readonly log: (message: string, cause: unknown) => void;
  /** Aborted when the process stops: live streams end. */
  readonly closing: AbortSignal;
}
