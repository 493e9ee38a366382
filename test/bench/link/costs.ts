import { cpuMs } from '../cpu-time.ts';
import type { Cost, CostMeasure } from '../rows.ts';
import type { Samples } from '../statistics.ts';
import type { Fleet } from './fleet.ts';
import type { Plane } from './plane.ts';

/** Who works while a fleet is measured. */
export interface Scene {
  readonly plane: Plane;
  readonly fleet: Fleet;
  /** Processes of brokers outside of the control plane. */
  readonly brokers: readonly number[];
}

/** Processor time so far, in ms, by who took it. */
export interface Costs {
  readonly plane: number;
  /** Null: there are none beside the one in the control plane. */
  readonly brokers: number | null;
  readonly agents: number;
}

export const costsOf = ({ plane, fleet, brokers }: Scene): Costs => ({
  plane: cpuMs(plane.pid()),
  brokers: brokers.length === 0 ? null : brokers.reduce((sum, pid) => sum + cpuMs(pid), 0),
  agents: fleet.cpuMs(),
});

/** `perUnitMs`: of processor time. */
export function addCosts(samples: Samples, measure: Cost, before: Costs, after: Costs, perUnitMs: number): void {
  const add = (name: CostMeasure, taken: number): void => samples.add(name, 'Drover', taken / perUnitMs);
  add(measure, after.plane - before.plane);
  add(`${measure} agents`, after.agents - before.agents);
  if (before.brokers !== null && after.brokers !== null) add(`${measure} brokers`, after.brokers - before.brokers);
}

/** Of a control plane that has just begun. */
export const ofNewPlane = (costs: Costs): Costs => ({ ...costs, plane: 0 });
