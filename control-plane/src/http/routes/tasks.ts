import { ReadTaskLog } from '@drover/shared/api/requests';
import { TaskLogView, TaskView } from '@drover/shared/api/views';
import { z } from 'zod';
import { cancelTask } from '../../core/tasks.ts';
import type { SeesTasks } from '../../db/store.ts';
import { actor } from '../act.ts';
import { askOf } from '../ask.ts';
import { Nothing, TaskPage } from '../components.ts';
import type { AppDeps } from '../deps.ts';
import { onTask, somewhere } from '../need.ts';
import { type Route, route } from '../route.ts';
import type { Caller } from '../session.ts';
import { taskViewById } from '../task-answer.ts';
import { pageOf, taskView } from '../views.ts';
import { ListTasks, Ref } from './params.ts';

const TASK = '/api/v1/tasks/{task}';
const params = z.object({ task: Ref });

export function taskRoutes(deps: AppDeps): Route[] {
  const { store } = deps;
  const act = actor(deps);
  return [
    route({
      method: 'GET',
      path: '/api/v1/tasks',
      right: somewhere('VM.Audit'),
      tag: 'tasks',
      summary: 'List tasks, the newest first',
      query: ListTasks,
      response: TaskPage,
      handler: async ({ query, caller }) => ({ body: pageOf(await store.tasks(query, seesTasks(caller)), taskView) }),
    }),
    route({
      method: 'GET',
      path: TASK,
      right: onTask('see'),
      tag: 'tasks',
      summary: 'One task',
      params,
      response: TaskView,
      handler: async (call) => ({ body: await taskViewById(store, call.params.task) }),
    }),
    route({
      method: 'GET',
      path: `${TASK}/log`,
      right: onTask('see'),
      tag: 'tasks',
      summary: 'The lines that a task’s steps have written',
      params,
      query: ReadTaskLog,
      response: TaskLogView,
      async handler(call) {
        const { after, limit } = call.query;
        const task = await taskViewById(store, call.params.task);
        const lines = [...(await store.taskLog(task.id, after, limit))];
        return { body: { lines, cursor: lines.at(-1)?.cursor ?? after } };
      },
    }),
    route({
      method: 'POST',
      path: `${TASK}/cancel`,
      right: onTask('cancel'),
      tag: 'tasks',
      summary: 'Cancel a task',
      params,
      body: Nothing,
      status: 202,
      response: TaskView,
      async handler(call) {
        const ask = askOf(call, deps);
        const load = () => store.views.onTask(call.params.task);
        const { answer } = await act(call, load, (view) => cancelTask(view, ask));
        return { body: await taskViewById(store, answer.taskId) };
      },
    }),
  ];
}

/** Null: all of them. */
function seesTasks({ user, rights }: Caller): SeesTasks | null {
  const guests = rights.within('VM.Audit', '/vms');
  const hosts = rights.within('Sys.Audit', '/nodes');
  const storages = rights.within('Datastore.Audit', '/storage');
  const networks = rights.within('SDN.Audit', '/network');
  if ([guests, hosts, storages, networks].every((reach) => reach === null)) return null;
  return { begunBy: user.name, guests, hosts, storages, networks };
}
