import type { TaskView } from '@drover/shared/api/views';
import { Link } from '@tanstack/react-router';
import { ago, fullTime, lasted, percent, sentence } from '../format.ts';
import { Button } from '../kit/button.tsx';
import { Glyph, taskSays } from '../kit/glyph.tsx';
import { Progress } from '../kit/progress.tsx';
import { Skeleton } from '../kit/skeleton.tsx';
import type { Query } from '../live/collection.ts';
import { isFinished } from '../live/matches.ts';
import { live, useList, useNow, useOne } from '../live/use.ts';
import { t } from '../text/t.ts';
import { NoTasks } from './empty.tsx';
import { Failed } from './failed.tsx';

/** Tasks, newest first. `limit` shows the newest few only. */
export function TaskList({ query, limit, isShort = false }: { query: Query; limit?: number; isShort?: boolean }) {
  const list = useList(live.task, query);
  if (list.state === 'failed' && list.ids.length === 0) return <Failed problem={list.problem} onAgain={live.task.recover} />;
  if (list.state === 'loading' && list.ids.length === 0) return <Skeleton rows={3} />;
  if (list.ids.length === 0)
    return isShort ? <p className="border-t border-line p-4 text-muted">{t('guest.activity.none')}</p> : <NoTasks />;
  return (
    <>
      {list.state === 'failed' ? <Failed problem={list.problem} onAgain={live.task.recover} /> : null}
      <ul className={isShort ? '' : 'card overflow-hidden'}>
        {list.ids.slice(0, limit).map((id) => (
          <TaskRow key={id} id={id} isShort={isShort} />
        ))}
      </ul>
      {limit === undefined && list.hasMore ? (
        <Button className="mt-3 w-full" onClick={() => void live.task.loadMore(query)}>
          {t('more')}
        </Button>
      ) : null}
    </>
  );
}

function TaskRow({ id, isShort }: { id: string; isShort: boolean }) {
  const { view: task } = useOne(live.task, id);
  const now = useNow(10_000);
  if (task === null) return null;
  const says = taskSays(task.state);
  const time = (
    <time dateTime={new Date(task.createdAtMs).toISOString()} title={fullTime(task.createdAtMs)}>
      {ago(task.createdAtMs, now)}
    </time>
  );
  return (
    <li
      className={`relative flex items-start gap-4 px-4 py-3 hover:bg-sunken ${isShort ? 'border-t border-line' : 'not-first:border-t not-first:border-line'}`}
    >
      <span className="mt-1">
        <Glyph tone={says.tone} />
      </span>
      <div className="min-w-0 flex-1">
        <div className="flex items-baseline justify-between gap-4">
          <Link
            to="/activity/$taskId"
            params={{ taskId: id }}
            className="min-w-0 truncate font-semibold before:absolute before:inset-0 before:content-['']"
          >
            {sentence(task.title)}
          </Link>
          <span className="flex-none text-sm text-muted max-sm:hidden">{time}</span>
        </div>
        <p className="text-sm text-muted">
          {taskLine(task)}
          <span className="sm:hidden"> · {time}</span>
        </p>
        {task.state === 'running' ? (
          <div className="mt-2">
            <Progress value={task.activity?.progress ?? null} label={task.title} />
          </div>
        ) : null}
      </div>
    </li>
  );
}

/** Its state in a few words: what it does now, what it waits for, why it failed, how long it took. */
export function taskLine(task: TaskView): string {
  const word = t(taskSays(task.state).word);
  const parts: string[] = [word];
  if (task.problem !== null) parts.push(task.problem.detail);
  else if (!isFinished(task) && task.activity !== null) {
    parts.push(task.activity.title);
    if (task.activity.progress !== null) parts.push(percent(task.activity.progress));
  } else if (!isFinished(task) && task.waitingFor !== null) parts.push(t('task.waiting', { what: task.waitingFor }));
  if (task.state === 'done' && task.finishedAtMs !== null)
    parts.push(t('task.took', { duration: lasted(task.finishedAtMs - task.createdAtMs) }));
  parts.push(task.createdBy);
  return parts.join(' · ');
}
