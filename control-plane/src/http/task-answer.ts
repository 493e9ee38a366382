import type { TaskView } from '@drover/shared/api/views';
import { Problem } from '@drover/shared/lib/problem';
import type { Reads } from '../db/store.ts';
import { taskView } from './views.ts';

export async function taskViewById(store: Pick<Reads, 'task'>, id: string): Promise<TaskView> {
  const record = await store.task(id);
  if (!record) throw new Problem('not-found', `there is no task ${id}`, { field: 'task' });
  return taskView(record);
}
