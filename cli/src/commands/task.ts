import { TaskView } from '@drover/shared/api/views';
import type { Command } from 'commander';
import { clean, colourOfState, facts, json, table } from '../print.ts';
import { whatNow } from '../progress.ts';
import { encoded, listAll, noteRest, type OpenSession, withExamples } from '../session.ts';
import { formatDuration, formatTime, parseWhole } from '../units.ts';
import { logAfter, waitForTask } from '../wait.ts';

const pathOf = (task: string): string => `/tasks/${encoded(task)}`;

/** Tasks: what is being done, and was. */
export function addTaskCommands(program: Command, open: OpenSession): void {
  const task = program.command('task').description('what is being done, and was');
  withExamples(task, ['drover task list --active', 'drover task follow task_…', 'drover task cancel task_…']);

  const list = task.command('list').alias('ls').description('list tasks, the newest first');
  list
    .option('--active', 'only those that are not done yet')
    .option('--guest <guest>', 'only those about this guest (name or id)')
    .option('--limit <number>', 'at most so many', '50');
  withExamples(list, ['drover task list', 'drover task list --active --json', 'drover task list --guest web']).action(
    async (options: { active?: boolean; guest?: string; limit: string }) => {
      const session = open();
      const { terminal } = session;
      const limit = parseWhole(options.limit, '--limit', { min: 1, max: 100_000 });
      const query = { state: options.active ? 'active' : undefined, target: options.guest };
      const listed = await listAll(await session.client(), '/tasks', TaskView, query, limit);
      if (session.isJson) return terminal.out(json(listed.raw));
      if (listed.items.length === 0) return terminal.err('No tasks.\n');
      const nowMs = Date.now();
      terminal.out(
        table(terminal, listed.items, [
          { title: 'ID', value: (row) => row.id },
          { title: 'TASK', value: (row) => row.title, shrinks: true },
          { title: 'STATE', value: (row) => row.state, colour: (row) => colourOfState(row.state) },
          {
            title: 'NOW',
            value: (row) => (row.finishedAtMs === null ? whatNow(row, Date.now()) : (row.problem?.detail ?? '')),
            shrinks: true,
          },
          { title: 'BY', value: (row) => row.createdBy, shrinks: true },
          { title: 'BEGUN', value: (row) => `${formatDuration(nowMs - row.createdAtMs)} ago` },
        ]),
      );
      noteRest(session, listed);
    },
  );

  const show = task.command('show').argument('<task>', 'its id').description('show one task and its log');
  withExamples(show, ['drover task show task_…']).action(async (id: string) => {
    const session = open();
    const client = await session.client();
    const { value, raw } = await client.call('GET', pathOf(id), TaskView);
    if (session.isJson) return session.terminal.out(json(raw));
    const { lines } = await logAfter(client, value.id, 0);
    session.terminal.out(
      facts(session.terminal, [
        ['task', value.title],
        ['id', value.id],
        ['state', value.state],
        ['about', `${value.target.kind} ${value.target.name}`],
        ['host', value.host?.name ?? null],
        ['now', value.finishedAtMs === null ? whatNow(value, Date.now()) : null],
        ['problem', value.problem ? [value.problem.detail, value.problem.suggestion].filter(Boolean).join('\n') : null],
        ['by', value.createdBy],
        ['begun', formatTime(value.createdAtMs)],
        [
          'ended',
          value.finishedAtMs === null
            ? null
            : `${formatTime(value.finishedAtMs)}, after ${formatDuration(value.finishedAtMs - value.createdAtMs)}`,
        ],
      ]),
    );
    for (const { atMs, line } of lines) session.terminal.out(`${formatTime(atMs)}  ${clean(line)}\n`);
  });

  const follow = task.command('follow').argument('<task>', 'its id').description('watch a task to its end, with its log');
  withExamples(follow, ['drover task follow task_…']).action(async (id: string) => {
    const session = open();
    const ended = await waitForTask(await session.client(), session.terminal, id, { verbose: true });
    if (session.isJson) session.terminal.out(json(ended.raw));
  });

  const cancel = task
    .command('cancel')
    .argument('<task>', 'its id')
    .description('cancel a task')
    .option('--wait', 'wait until it has ended');
  withExamples(cancel, ['drover task cancel task_…']).action(async (id: string, options: { wait?: boolean }) => {
    const session = open();
    const client = await session.client();
    const { value, raw } = await client.call('POST', `${pathOf(id)}/cancel`, TaskView, { body: {} });
    const ended = options.wait ? await waitForTask(client, session.terminal, id, { verbose: session.isVerbose, isCancelled: true }) : null;
    if (session.isJson) session.terminal.out(json(ended?.raw ?? raw));
    else if (!ended) session.terminal.out(`${value.title}: ${value.state === 'cancelled' ? 'cancelled' : 'will be cancelled'}.\n`);
  });
}
