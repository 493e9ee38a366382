import type { Clock } from '@drover/shared/lib/clock';
import type { TaskSpec, TaskSpecOf } from '@drover/shared/model/task';
import type { Choices } from '../choices.ts';
import type { Drivers } from '../drivers/drivers.ts';
import type { Reconciler } from '../reconcile.ts';
import type { Wishes } from '../wishes.ts';
import type { HostActions } from './host-actions.ts';
import type { RelayDialer } from './relay.ts';

export interface TaskContext {
  readonly wishes: Wishes;
  readonly drivers: Drivers;
  readonly reconciler: Reconciler;
  readonly choices: Choices;
  readonly clock: Clock;
  readonly dialRelay: RelayDialer;
  readonly hostActions: HostActions;
  readonly taskId: string;
  readonly signal: AbortSignal;
  /** When the task was first begun, by this life of the agent or an earlier one. */
  readonly begunAtMs: number;
  log(line: string): void;
}

/** What a crash of the agent in the middle of a task means. */
export type Recovery = { readonly do: 'run-again' } | { readonly do: 'finished' } | { readonly do: 'failed'; readonly detail: string };

/** One kind of thing that is done once. `recover` must exist: there is no task that a crash cannot interrupt. */
export interface TaskKind<D extends TaskSpec['do']> {
  run(spec: TaskSpecOf<D>, context: TaskContext): Promise<Record<string, unknown>>;
  recover(spec: TaskSpecOf<D>, context: TaskContext): Promise<Recovery>;
}
