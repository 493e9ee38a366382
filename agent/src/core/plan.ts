import type { ResourceRef } from '@drover/shared/model/resource';
import type { Step } from './step.ts';

/** What is to be done about one resource, decided from what is. */
export type Plan =
  /** Perform these in order, then observe and plan again. */
  | { readonly do: 'perform'; readonly steps: readonly [Step, ...Step[]] }
  /** Nothing can be done before something else happens; `untilMs` when time alone will do. */
  | { readonly do: 'wait'; readonly for: string; readonly on: ResourceRef | null; readonly untilMs: number | null }
  /** What is, is as wished. */
  | { readonly do: 'settled' }
  /** Nothing of it is left. */
  | { readonly do: 'gone' };

export type PlanOf<D extends Plan['do']> = Extract<Plan, { do: D }>;

export const perform = (first: Step, ...rest: Step[]): Plan => ({ do: 'perform', steps: [first, ...rest] });
export const waitFor = (what: string, on: ResourceRef): Plan => ({ do: 'wait', for: what, on, untilMs: null });
export const waitUntil = (what: string, untilMs: number): Plan => ({ do: 'wait', for: what, on: null, untilMs });
/** Neither a resource nor time will do: somebody has to say so. */
export const waitForWord = (what: string): Plan => ({ do: 'wait', for: what, on: null, untilMs: null });
export const SETTLED: Plan = { do: 'settled' };
export const GONE: Plan = { do: 'gone' };
