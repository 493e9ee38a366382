import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { Segments } from '../kit/segments.tsx';
import { PageHeader } from '../parts/page-header.tsx';
import { TaskList } from '../parts/task-list.tsx';
import { t } from '../text/t.ts';

const route = getRouteApi('/signed-in/activity');

export function ActivityPage() {
  const search = route.useSearch();
  const navigate = useNavigate();
  return (
    <>
      <PageHeader title={t('place.activity')} />
      <div className="mb-3 md:max-w-md">
        <Segments
          name="state"
          label={t('activity.show')}
          value={search.state ?? 'all'}
          choices={[
            { value: 'all', label: t('activity.all') },
            { value: 'active', label: t('activity.active') },
            { value: 'finished', label: t('activity.finished') },
          ]}
          onChange={(state) => void navigate({ to: '/activity', search: state === 'all' ? {} : { state }, replace: true })}
        />
      </div>
      <TaskList query={search} />
    </>
  );
}
