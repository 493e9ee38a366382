import type { TaskLogLine, TaskLogView, TaskView } from '@drover/shared/api/views';
import { useEffect, useLayoutEffect, useRef, useState } from 'react';
import { call, queryOf } from '../api.ts';
import { secondTime } from '../format.ts';
import { CopyButton } from '../kit/copy.tsx';
import { CheckField } from '../kit/field.tsx';
import { isFinished } from '../live/matches.ts';
import { live } from '../live/use.ts';
import { queries, useRead } from '../queries.ts';
import { t } from '../text/t.ts';

const LINES_MAX = 5_000;
const PAGE_LIMIT = 1_000;

/** A task's log: what is new is fetched when the stream says that the task changed. */
function useLog(taskId: string): readonly TaskLogLine[] {
  const key = ['log', taskId];
  const { data } = useRead({
    queryKey: key,
    queryFn: async ({ signal }) => {
      let lines = queries.getQueryData<readonly TaskLogLine[]>(key) ?? [];
      for (;;) {
        const page = await call<TaskLogView>('GET', `/tasks/${taskId}/log${queryOf({ after: lines.at(-1)?.cursor, limit: PAGE_LIMIT })}`, {
          signal,
        });
        lines = [...lines, ...page.lines].slice(-LINES_MAX);
        if (page.lines.length < PAGE_LIMIT) return lines;
      }
    },
    retry: 3,
  });

  // At most one request under way; what changes meanwhile is asked for when it has ended.
  useEffect(() => {
    let isBusy = false;
    let isWanted = false;
    const fetchNew = async (): Promise<void> => {
      isWanted = true;
      if (isBusy) return;
      isBusy = true;
      while (isWanted) {
        isWanted = false;
        await queries.refetchQueries({ queryKey: ['log', taskId] }, { cancelRefetch: false });
      }
      isBusy = false;
    };
    return live.onTaskChange((changed) => {
      if (changed === taskId || changed === '') void fetchNew();
    });
  }, [taskId]);
  return data ?? [];
}

export function TaskLog({ task }: { task: TaskView }) {
  const lines = useLog(task.id);
  const [follows, setFollows] = useState(true);
  const box = useRef<HTMLDivElement>(null);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new line is what moves the view
  useLayoutEffect(() => {
    if (follows && box.current !== null) box.current.scrollTop = box.current.scrollHeight;
  }, [lines, follows]);

  return (
    <>
      <header className="flex min-h-12 items-center gap-2 border-b border-line px-4 has-[.icon-button]:pr-1">
        <h2 className="flex-1 font-semibold">{t('log')}</h2>
        {isFinished(task) ? null : (
          <CheckField label={t('log.follow')} checked={follows} onChange={(event) => setFollows(event.target.checked)} />
        )}
        {lines.length === 0 ? null : <CopyButton text={lines.map(({ line }) => line).join('\n')} label={t('log.copy')} />}
      </header>
      <div
        ref={box}
        role="log"
        // Each line read aloud would drown everything else.
        aria-live="off"
        aria-label={t('log')}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        tabIndex={0}
        className="max-h-[60dvh] min-h-24 overflow-y-auto bg-sunken p-4 font-mono text-[13px] leading-6"
        onScroll={({ currentTarget }) => {
          const isAtEnd = currentTarget.scrollHeight - currentTarget.scrollTop - currentTarget.clientHeight < 24;
          if (isAtEnd !== follows && !isFinished(task)) setFollows(isAtEnd);
        }}
      >
        {lines.length === 0 ? <p className="font-sans text-muted">{t(isFinished(task) ? 'log.none' : 'log.none-yet')}</p> : null}
        <ol>
          {lines.map(({ cursor, atMs, line }) => (
            <li key={cursor} className="flex gap-3">
              <span className="flex-none text-muted select-none">{secondTime(atMs)}</span>
              <span className="min-w-0 break-words whitespace-pre-wrap">{line}</span>
            </li>
          ))}
        </ol>
      </div>
    </>
  );
}
