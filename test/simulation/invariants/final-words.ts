import type { Scene, Watch } from './watch.ts';

const FINAL = new Set<unknown>(['done', 'failed', 'cancelled']);

/** What a host has once said of how a task ended, it never takes back. */
export function watchFinalWords({ judge }: Scene): Watch {
  const said = new Map<string, unknown>();
  return {
    report(host, { statuses }) {
      for (const { kind, id, observed } of statuses) {
        if (kind !== 'task') continue;
        const key = `${host.name} ${id}`;
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
