import type { ControlPlaneParts } from '../control-plane.ts';
import type { NetworkWeather } from '../link.ts';
import type { AgentParts } from '../simulated-host.ts';
import type { Manners } from '../users.ts';

/** A rule switched off, anew for each world. The simulation must notice; else the rule is not needed, or the simulation not good enough. */
export interface Mutant {
  readonly name: string;
  /** The rule of docs/architecture.md, section 5, or the invariant that stands on it. */
  readonly rule: string;
  readonly agent?: () => Partial<AgentParts>;
  readonly controlPlane?: () => Partial<ControlPlaneParts>;
  readonly manners?: () => Partial<Manners>;
  /** What brings it out, where chance alone would take long. */
  readonly network?: Partial<NetworkWeather>;
  /** The story in which it is missed, whatever becomes of seeds; should it not be any more, worlds are tried. */
  readonly scenario?: string;
  /** Where there is no such story: a seed that showed it when this was written, to look there first. Of the others at least one in thirteen shows it. */
  readonly from?: number;
}
