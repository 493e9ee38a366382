import { type Plan, waitForWord } from './plan.ts';

/** Why the agent keeps its hands off, whatever the plan. */
export interface Hold {
  /** Somebody told it to, on the host. */
  readonly isPaused: boolean;
  /** The host is going down: whoever starts anything now only has it ended. */
  readonly isGoingDown: boolean;
  /** Somebody on the host asks for just this, now. */
  readonly isAsked: boolean;
}

/** The plan, unless something holds it up. Looking is never held up. */
export function held(plan: Plan, { isPaused, isGoingDown, isAsked }: Hold): Plan {
  if (plan.do !== 'perform') return plan;
  if (isGoingDown) return waitForWord('its host, which is going down');
  if (isPaused && !isAsked) return waitForWord('the pause on its host to end');
  return plan;
}
