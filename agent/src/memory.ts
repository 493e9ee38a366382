import type { ProblemView } from '@drover/shared/lib/problem';
import type { ResourceRef, ResourceStatus } from '@drover/shared/model/resource';

/** What the loop remembers of a resource between passes; losing it costs nothing but time. */
export interface Memory {
  generation: number;
  /** Nothing has been done about this generation yet: somebody has just asked. */
  isFresh: boolean;
  applied: number;
  attempts: number;
  /** What went wrong last, and when it is tried again; null: nothing has since the last success. */
  failure: { readonly problem: ProblemView; readonly atMs: number; readonly notBeforeMs: number; readonly givenUp: boolean } | null;
  problem: ProblemView | null;
  shutdown: { readonly powerRequest: number; readonly atMs: number } | null;
  waitingOn: ResourceRef | null;
  /** Why it needs a person: what stands on it needs one too. */
  givenUp: ProblemView | null;
  said: ResourceStatus | null;
  lastSaid: string;
  cancelTimer: () => void;
  abort: AbortController | null;
}

export const freshMemory = (): Memory => ({
  generation: 0,
  isFresh: false,
  applied: 0,
  attempts: 0,
  failure: null,
  problem: null,
  shutdown: null,
  waitingOn: null,
  givenUp: null,
  said: null,
  lastSaid: '',
  cancelTimer: () => {},
  abort: null,
});
