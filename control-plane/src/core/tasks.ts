import type { Accepted, Ask, Decision } from './change.ts';
import type { GuestDecisionView, TaskDecisionView } from './views.ts';

export declare function beginReboot(view: GuestDecisionView, input: { readonly force: boolean }, ask: Ask): Decision<Accepted>;
/** `ticket`: of the relay, 40 characters of [a-z0-9]. */
export declare function beginExec(
  view: GuestDecisionView,
  input: { readonly command: readonly string[]; readonly tty: boolean; readonly ticket: string },
  ask: Ask,
): Decision<Accepted>;
export declare function beginConsole(view: GuestDecisionView, input: { readonly ticket: string }, ask: Ask): Decision<Accepted>;
export declare function cancelTask(view: TaskDecisionView, ask: Ask): Decision<Accepted>;
