import type { Activity } from '@drover/shared/model/resource';
import { percent, sentence } from '../format.ts';
import { Progress } from '../kit/progress.tsx';

/** What is being done right now, how far it is, and the last word from there. */
export function ActivityBar({ activity }: { activity: Activity }) {
  return (
    <div className="space-y-1.5">
      <p className="flex justify-between gap-4">
        <span className="min-w-0 break-words">{sentence(activity.title)}</span>
        {activity.progress === null ? null : <span className="flex-none text-muted">{percent(activity.progress)}</span>}
      </p>
      <Progress value={activity.progress} label={activity.title} />
      <p className="min-h-5 truncate text-sm text-muted">{sentence(activity.detail ?? '')}</p>
    </div>
  );
}
