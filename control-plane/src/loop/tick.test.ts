import { realRandom } from '@drover/shared/lib/random';
import { HostId } from '@drover/shared/model/id';
import { expect, it } from 'vitest';
import { aTask, HOST_ID } from '../../../test/control-plane/held.ts';
import { createManualClock } from '../../../test/control-plane/manual-clock.ts';
import { openStore } from '../db/open.ts';
import type { Dispatcher } from './dispatch.ts';
import { tick } from './tick.ts';

it('what fails in a tick is said, and keeps nothing else of it from being done', async () => {
  const clock = createManualClock();
  const opened = await openStore(':memory:', clock.now);
  const tasks = ['a', 'b'].map((letter) => aTask({ id: `task_${letter.repeat(20)}` as never, hostId: null, deadlineAtMs: 1 }));
  await opened.commit({ by: 'test', atMs: 1, newTasks: tasks });
  const nudged: HostId[] = [];
  const done: string[] = [];
  const broken = async () => {
    throw new Error('this one cannot be read');
  };
  const store = {
    ...opened,
    views: { ...opened.views, onTask: (id: string) => (id === tasks[0]?.id ? broken() : opened.views.onTask(id)) },
    silentHosts: broken,
    hostsWithPending: async () => [HOST_ID],
    trim: async () => void done.push('trim'),
  };
  const dispatcher: Pick<Dispatcher, 'nudge'> = { nudge: (hostId) => void nudged.push(HostId.parse(hostId)) };
  const receiver = { writeHeard: broken };
  const ticked = tick({ store, clock, random: realRandom, dispatcher: dispatcher as Dispatcher, receiver, log: () => {} }, { trim: true });
  await expect(ticked).rejects.toThrow('this one cannot be read');
  expect([nudged, done]).toEqual([[HOST_ID], ['trim']]);
  expect((await opened.task(tasks[1]?.id ?? ''))?.task.state).toBe('failed');
  opened.close();
});

it('that a host has fallen silent is noticed by who hears it, not by another whose clock is ahead', async () => {
  const clock = createManualClock();
  const store = await openStore(':memory:', clock.now);
  await store.commit({ by: 'test', atMs: 1, newHosts: [{ id: HOST_ID, name: 'one', cell: 'default', publicKey: KEY }] });
  await store.commit({ by: 'test', atMs: 1, hosts: [{ id: HOST_ID, connected: true, heardAtMs: clock.now() - 3_600_000 }] });
  const dispatcher = { nudge() {} } as unknown as Dispatcher;
  const context = { store, clock, random: realRandom, dispatcher, receiver: { writeHeard: async () => {} }, log: () => {} };
  await tick({ ...context, holds: () => false }, { trim: false });
  expect((await store.knownHost(HOST_ID))?.connected).toBe(true);
  await tick({ ...context, holds: () => true, isLeader: () => false }, { trim: false });
  expect((await store.knownHost(HOST_ID))?.connected).toBe(false);
  store.close();
});

const KEY = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' } as const;
