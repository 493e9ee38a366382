import { Problem } from '@drover/shared/lib/problem';
import type { HostPower } from '@drover/shared/model/task';
import type { UpgradeOrder } from '../upgrade/release.ts';

/** What is done to the host itself, and to the agent on it: not by drivers, and not to any resource. */
export interface HostActions {
  /** Asks the host to reboot or to shut down; returns once it is about to. Throws Problem when it refuses. */
  power(action: HostPower): Promise<void>;
  /** Has the host booted since the agent last ran? */
  readonly hasBooted: boolean;
  /**
   * Takes another agent in the place of this one, which ends over it: the next one calls this again with the same `taskId`, and it returns when the
   * new agent has got on. Throws Problem when it has not, and the one before is back.
   */
  upgrade(order: UpgradeOrder, signal: AbortSignal, log: (line: string) => void): Promise<void>;
}

const refuse = () => Promise.reject(new Problem('unsupported', 'this agent has no machine of its own to do that to'));
export const NO_HOST_ACTIONS: HostActions = { power: refuse, upgrade: refuse, hasBooted: false };
