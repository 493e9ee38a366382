import { Problem, type ProblemView } from '@drover/shared/lib/problem';
import type { Power } from '@drover/shared/model/guest';
import { type Accepted, type Ask, type Decision, merged } from './change.ts';
import { setPower } from './guests.ts';
import type { GuestDecisionView } from './views.ts';

/** What became of one of many guests: a task, or why not. */
export type Powered =
  | { readonly asked: string; readonly accepted: Accepted; readonly problem: null }
  | { readonly asked: string; readonly accepted: null; readonly problem: ProblemView };

/** A guest as it was asked for; null: there is none. */
export interface Named {
  readonly asked: string;
  readonly view: GuestDecisionView | null;
  /** Its asker sees it, and may not do this to it. */
  readonly isRefused: boolean;
  readonly ask: Ask;
}

/** Sets the power of many guests in one change. One that cannot be is told of, and keeps nobody from the rest; one named twice is one. */
export function setPowers(named: readonly Named[], power: Power, { by, nowMs }: Pick<Ask, 'by' | 'nowMs'>): Decision<readonly Powered[]> {
  const decided = new Map<string, Powered>();
  const decisions: Decision<Accepted>[] = [];
  const answer = named.map(({ asked, view, isRefused, ask }): Powered => {
    if (!view) return { asked, accepted: null, problem: new Problem('not-found', `there is no guest ${asked}`).view() };
    if (isRefused)
      return { asked, accepted: null, problem: new Problem('not-allowed', `you may not switch ${view.guest.spec.name}`).view() };
    const before = decided.get(view.guest.id);
    if (before) return { ...before, asked };
    const powered = refusing(asked, () => {
      const decision = setPower(view, power, ask);
      decisions.push(decision);
      return { asked, accepted: decision.answer, problem: null };
    });
    decided.set(view.guest.id, powered);
    return powered;
  });
  return {
    change: merged(
      { by, atMs: nowMs },
      decisions.map(({ change }) => change),
    ),
    answer,
  };
}

function refusing(asked: string, decide: () => Powered): Powered {
  try {
    return decide();
  } catch (thrown) {
    if (!(thrown instanceof Problem)) throw thrown;
    return { asked, accepted: null, problem: thrown.view() };
  }
}
