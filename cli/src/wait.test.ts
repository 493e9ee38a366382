import { createServer, type ServerResponse } from 'node:http';
import { TaskView } from '@drover/shared/api/views';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { capture } from '../../test/cli/capture.ts';
import { type Client, createClient } from './client.ts';
import { width } from './print.ts';
import { progressLine } from './progress.ts';
import { waitForTask } from './wait.ts';

const TASK = TaskView.parse({
  id: 'task_aaaaaaaaaaaaaaaaaaaa',
  title: 'create guest web',
  do: 'apply',
  target: { kind: 'guest', id: '100', name: 'web' },
  host: null,
  state: 'running',
  activity: { title: 'making image debian-13', progress: 0.25, detail: 'unpacking libc6', sinceMs: 0 },
  waitingFor: null,
  waitingSinceMs: null,
  problem: null,
  result: null,
  createdBy: 'owner',
  createdAtMs: 0,
  finishedAtMs: null,
});

/** A control plane that only knows one task; the test decides what it says next. */
const plane = {
  task: TASK,
  log: ['I: unpacking'],
  looks: 0,
  stream: null as ServerResponse | null,
  cursor: 0,
  onLook: (): void => undefined,
};
const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://x');
  if (pathname === '/api/v1/events') {
    plane.stream = response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(`id: ${plane.cursor}\nevent: hello\ndata: {}\n\n`);
    return;
  }
  const lines = plane.log
    .map((line, index) => ({ cursor: index + 1, atMs: 0, line }))
    .filter(({ cursor }) => cursor > Number(searchParams.get('after')));
  if (!pathname.endsWith('/log')) plane.looks += 1;
  const answer = pathname.endsWith('/log') ? { lines, cursor: plane.log.length } : plane.task;
  response
    .writeHead(200, { 'content-type': 'application/json' })
    .end(JSON.stringify(answer), () => pathname.endsWith('/log') || plane.onLook());
});
let client: Client;

beforeEach(async () => {
  Object.assign(plane, { task: TASK, looks: 0, stream: null, cursor: 0, onLook: () => undefined });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  client = createClient({ url: `http://127.0.0.1:${address.port}`, token: 't', from: 'test' });
});
afterEach(() => void server.close().closeAllConnections());

function tell(kind: string, id: string): void {
  plane.cursor += 1;
  plane.stream?.write(`id: ${plane.cursor}\nevent: change\ndata: ${JSON.stringify({ cursor: plane.cursor, kind, id, gone: false })}\n\n`);
}

/** What is done at each look, in turn. */
function atLooks(...steps: (() => void)[]): void {
  plane.onLook = () => steps[plane.looks - 1]?.();
}

const done = () => {
  plane.task = { ...TASK, state: 'done', activity: null, finishedAtMs: 60_000 };
};

describe('waiting for a task', () => {
  it('ends with it, told by events, and shows what it did', async () => {
    const terminal = capture();
    atLooks(
      () => tell('image', 'image_bbbbbbbb'),
      () => {
        done();
        tell('task', TASK.id);
      },
    );
    const { task } = await waitForTask(client, terminal, TASK.id, { verbose: true });
    expect(task.state).toBe('done');
    expect(terminal.written).toEqual({
      out: '',
      err: '  I: unpacking\ncreate guest web: making image debian-13 (20 %)\ncreate guest web: done after 60 s\n',
    });
  });

  it('looks once for a burst of changes', async () => {
    atLooks(() => {
      for (let count = 0; count < 20; count += 1) tell('image', 'image_bbbbbbbb');
      done();
      tell('guest', '100');
    });
    await waitForTask(client, capture(), TASK.id);
    expect(plane.looks).toBe(2);
  });

  it('outlives a control plane that breaks off, and misses nothing of what happened meanwhile', async () => {
    const terminal = capture();
    atLooks(() => {
      done();
      plane.stream?.destroy();
    });
    expect((await waitForTask(client, terminal, TASK.id)).task.state).toBe('done');
    expect(terminal.written.err).toContain('the control plane cannot be reached; trying again\nconnected again\n');
  });

  it('fails as the task did, with its problem and what to do', async () => {
    const problem = {
      code: 'no-space',
      status: 507,
      title: 'no space',
      detail: 'storage local is full',
      suggestion: 'delete an image',
      retryable: true,
    } as const;
    plane.task = { ...TASK, state: 'failed', activity: null, finishedAtMs: 1_000, problem };
    await expect(waitForTask(client, capture(), TASK.id)).rejects.toMatchObject({
      exit: 'failed',
      message: 'create guest web failed: storage local is full',
      suggestion: 'delete an image',
    });
  });

  it('a cancelled task is a failure, unless cancelling was the point', async () => {
    plane.task = { ...TASK, state: 'cancelled', activity: null, finishedAtMs: 1_000 };
    await expect(waitForTask(client, capture(), TASK.id)).rejects.toThrow('cancelled');
    expect((await waitForTask(client, capture(), TASK.id, { isCancelled: true })).task.state).toBe('cancelled');
  });
});

describe('the line of progress', () => {
  it('has bar, percentage, what and how long', () => {
    expect(progressLine(TASK, 42_000, 100)).toBe(
      'create guest web █████░░░░░░░░░░░░░░░  25 %  making image debian-13: unpacking libc6  42 s',
    );
  });

  it.each([20, 40, 60, 80])('never reaches the edge of a terminal of %d columns', (columns) => {
    expect(width(progressLine(TASK, 42_000, columns))).toBeLessThan(columns);
  });
});
