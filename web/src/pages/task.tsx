import type { TaskView } from '@drover/shared/api/views';
import { getRouteApi, Link } from '@tanstack/react-router';
import { call } from '../api.ts';
import { ago, fullTime, lasted, sentence } from '../format.ts';
import { Button } from '../kit/button.tsx';
import { Glyph, taskSays } from '../kit/glyph.tsx';
import { ProblemNote, ThrownNote } from '../kit/problem.tsx';
import { Progress } from '../kit/progress.tsx';
import { Skeleton } from '../kit/skeleton.tsx';
import { isFinished } from '../live/matches.ts';
import { live, useNow, useOne } from '../live/use.ts';
import { ActivityBar } from '../parts/activity-bar.tsx';
import { Facts } from '../parts/facts.tsx';
import { Failed } from '../parts/failed.tsx';
import { Missing } from '../parts/missing.tsx';
import { PageHeader } from '../parts/page-header.tsx';
import { TaskLog } from '../parts/task-log.tsx';
import { useWrite } from '../queries.ts';
import { t } from '../text/t.ts';

const route = getRouteApi('/signed-in/activity/$taskId');
const BACK = { to: '/activity', name: t('place.activity') } as const;

export function TaskPage() {
  const { taskId } = route.useParams();
  const { view, missing, failed, problem } = useOne(live.task, taskId);
  if (missing) return <Missing title={t('task.gone.title')} what={t('task.gone.what')} back={BACK} />;
  if (view === null) {
    return (
      <>
        <PageHeader title={t('task')} back={BACK} />
        {failed ? <Failed problem={problem} onAgain={live.task.recover} /> : <Skeleton rows={4} />}
      </>
    );
  }
  return <Task task={view} />;
}

function Task({ task }: { task: TaskView }) {
  const now = useNow(1_000);
  const says = taskSays(task.state);
  const host = useOne(live.host, task.state === 'queued' ? (task.host?.id ?? null) : null).view;
  const cancel = useWrite({
    mutationFn: async () => {
      const asked = live.task.ask();
      live.task.put(asked, await call<TaskView>('POST', `/tasks/${task.id}/cancel`, { body: {} }));
    },
  });
  return (
    <>
      <PageHeader title={sentence(task.title)} back={BACK} />
      <div className="grid grid-cols-[minmax(0,1fr)] items-start gap-4 lg:grid-cols-[minmax(0,1fr)_22rem]">
        <div className="grid min-w-0 gap-4">
          <section className="card p-4 md:p-5">
            <div className="flex min-h-11 items-center gap-3">
              <Glyph tone={says.tone} size={18} />
              <p className="flex-1 text-lg font-semibold" role="status">
                {t(says.word)}
              </p>
              {isFinished(task) ? null : (
                <Button icon="close" busy={cancel.isPending} onClick={() => cancel.mutate()}>
                  {t('cancel')}
                </Button>
              )}
            </div>
            {task.state === 'running' ? (
              <div className="mt-2">
                {task.activity === null ? <Progress value={null} label={task.title} /> : <ActivityBar activity={task.activity} />}
              </div>
            ) : null}
            {host === null || host.connected ? null : (
              <p className="mt-2 text-muted">
                {t('task.host-away', { host: host.name })}{' '}
                {host.heardAtMs === null ? '' : sentence(t('host.heard', { when: ago(host.heardAtMs, now) }))}
              </p>
            )}
            {isFinished(task) || task.waitingFor === null || task.waitingSinceMs !== null ? null : (
              <p className="mt-2 text-muted">{sentence(t('task.waiting', { what: task.waitingFor }))}</p>
            )}
            {task.problem === null ? null : (
              <div className="mt-3">
                <ProblemNote problem={task.problem} />
              </div>
            )}
            <ThrownNote error={cancel.error} />
          </section>
          <section className="card min-w-0 overflow-hidden">
            <TaskLog task={task} />
          </section>
        </div>
        <section className="card pt-1 [&_div:first-child]:border-t-0">
          <Facts
            facts={[
              [t('task.target'), <Target key="target" task={task} />],
              [t('column.host'), task.host?.name ?? t('none')],
              [t('task.by'), task.createdBy],
              [t('task.began'), fullTime(task.createdAtMs)],
              [t(isFinished(task) ? 'task.lasted' : 'task.lasts'), lasted((task.finishedAtMs ?? now) - task.createdAtMs)],
            ]}
          />
        </section>
      </div>
    </>
  );
}

function Target({ task }: { task: TaskView }) {
  const { kind, id, name } = task.target;
  if (kind !== 'guest') return name;
  return (
    <Link to="/guests/$guestId" params={{ guestId: id }} className="link">
      {name}
    </Link>
  );
}
