import { Report } from '@drover/shared/protocol/message';
import type { Scene, Watch } from './watch.ts';

const FINAL = new Set<unknown>(['done', 'failed', 'cancelled']);

/** What a host has once said of how a task ended, it never takes back. */
export function watchFinalWords({ judge }: Scene): Watch {
  const said = new Map<string, unknown>();
  return {
    message({ hostId, leaf, text }) {
      if (leaf !== 'up/report') return;
      for (const { kind, id, observed } of Report.parse(JSON.parse(text)).statuses) {
        if (kind !== 'task') continue;
        const key = `${hostId} ${id}`;
        const before = said.get(key);
        judge.check(
          before === undefined || observed.state === before,
          `task ${id} was ${String(before)}, and then ${String(observed.state)}`,
        );
        if (FINAL.has(observed.state)) said.set(key, observed.state);
      }
    },
  };
}
