import type { TaskView } from '@drover/shared/api/views';
import { realClock } from '@drover/shared/lib/clock';
import type { ProblemView } from '@drover/shared/lib/problem';
import { Link } from '@tanstack/react-router';
import { type ReactNode, useEffect, useSyncExternalStore } from 'react';
import { problemOf } from '../api.ts';
import { sentence } from '../format.ts';
import { IconButton } from '../kit/button.tsx';
import { Glyph, type Tone, taskSays } from '../kit/glyph.tsx';
import { isFinished } from '../live/matches.ts';
import { live, useOne } from '../live/use.ts';
import { t } from '../text/t.ts';

const SHOWN_MS = 6_000;
const NOTICES_MAX = 3;

interface Failure {
  readonly what: string;
  readonly problem: ProblemView | null;
}

let watched: readonly string[] = [];
let failure: Failure | null = null;
const listeners = new Set<() => void>();
const changed = (): void => {
  for (const listener of listeners) listener();
};
const setWatched = (next: readonly string[]): void => {
  watched = next;
  changed();
};
const setFailure = (next: Failure | null): void => {
  failure = next;
  changed();
};
const subscribe = (listener: () => void): (() => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

/** The person at this page asked for it: say how it ends, wherever they are by then. */
export function watchTask(task: TaskView): void {
  setWatched([...watched.filter((id) => id !== task.id), task.id]);
}
const unwatch = (id: string): void => setWatched(watched.filter((other) => other !== id));

/** A write that was refused, and whose button is too small to say so itself. */
export const noteFailure = (what: string, error: unknown): void => setFailure({ what, problem: problemOf(error) });

export function TaskNotices() {
  const ids = useSyncExternalStore(subscribe, () => watched);
  const failed = useSyncExternalStore(subscribe, () => failure);
  return (
    <div
      role="status"
      aria-live="polite"
      className="pointer-events-none fixed inset-x-2 bottom-[calc(8.25rem+env(safe-area-inset-bottom))] z-40 flex flex-col gap-2 md:right-6 md:bottom-6 md:left-auto md:w-96"
    >
      {ids.slice(-NOTICES_MAX * 4).map((id) => (
        <TaskNotice key={id} id={id} />
      ))}
      {failed === null ? null : (
        <Notice tone="bad" onDismiss={() => setFailure(null)}>
          <p className="font-semibold">{t('failed.what', { what: failed.what })}</p>
          <p className="text-sm text-muted">{failed.problem === null ? t('problem.unreachable') : failed.problem.detail}</p>
          {failed.problem?.suggestion === undefined ? null : <p className="text-sm">{failed.problem.suggestion}</p>}
        </Notice>
      )}
    </div>
  );
}

function TaskNotice({ id }: { id: string }) {
  const { view, missing } = useOne(live.task, id);
  const isOver = missing || (view !== null && isFinished(view));
  const isGood = missing || view?.state === 'done' || view?.state === 'cancelled';
  useEffect(() => (isOver && isGood ? realClock.after(SHOWN_MS, () => unwatch(id)) : undefined), [isOver, isGood, id]);
  if (view === null || !isOver) return null;
  const says = taskSays(view.state);
  return (
    <Notice tone={says.tone} onDismiss={() => unwatch(id)}>
      <Link to="/activity/$taskId" params={{ taskId: id }} className="flex min-h-11 items-center font-semibold hover:underline">
        {t('task.ended', { title: sentence(view.title), state: t(says.word).toLowerCase() })}
      </Link>
      {view.problem === null ? null : <p className="pb-2 text-sm text-muted">{view.problem.detail}</p>}
    </Notice>
  );
}

function Notice({ tone, onDismiss, children }: { tone: Tone; onDismiss: () => void; children: ReactNode }) {
  return (
    <div className="pointer-events-auto flex items-center gap-3 rounded-md border border-line bg-surface py-1 pr-1 pl-4 shadow-lg">
      <Glyph tone={tone} />
      <div className="min-w-0 flex-1 py-1 text-[15px] break-words">{children}</div>
      <IconButton icon="close" label={t('dismiss')} onClick={onDismiss} />
    </div>
  );
}
