import { isFinished } from '../core/held.ts';
import type { Store } from '../db/store.ts';
import type { Relay } from '../relay.ts';
import type { UploadRoom } from './upload.ts';

interface Watched {
  readonly store: Store;
  readonly relay: Relay;
  readonly room: UploadRoom;
  readonly closing: AbortSignal;
  readonly log: (message: string, cause: unknown) => void;
}

/** What follows from events for the relay and the uploads: a person whose command failed is told at once, who signed out has no console left, a fetched upload is removed. */
export function watchEvents({ store, relay, room, closing, log }: Watched): void {
  let isBusy = false;
  let again = false;

  async function look(): Promise<void> {
    for (const taskId of relay.awaited()) {
      const record = await store.task(taskId);
      if (!record || isFinished(record.task.state)) relay.fail(taskId, record?.task.problem?.detail ?? 'the task has ended');
    }
    for (const [taskId, tokenId] of relay.holders()) {
      if (!(await store.access.token(tokenId))) relay.fail(taskId, 'signed out');
    }
    await room.sweep();
  }

  function woken(): void {
    again = true;
    if (isBusy || closing.aborted) return;
    isBusy = true;
    void (async () => {
      while (again && !closing.aborted) {
        again = false;
        await look().catch((thrown: unknown) => closing.aborted || log('looking after relay and uploads', thrown));
      }
      isBusy = false;
    })();
  }

  closing.addEventListener('abort', store.onEvents(woken), { once: true });
  woken();
}
