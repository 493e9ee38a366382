import type { Scene, Watch } from './watch.ts';

/** The agent gives up after six attempts, and tries again each hour. */
const ATTEMPTS_MAX = 6;
const HOUR_MS = 3_600_000;

/**
 * L5: a guest that always fails is given up after a few attempts, until it is wished for anew. That it keeps nobody else from
 * what they wish, everything else here says: it is there while all others must become as wished.
 */
export function watchPoison({ judge, timeline }: Scene): Watch {
  const tried = new Map<string, { since: number; count: number }>();
  return {
    poisonTried(host, subject) {
      // Of an image only the name is known here, and several may bear it.
      if (!/^\d+$/.test(subject)) return;
      const key = `${host.name} ${subject}`;
      const before = tried.get(key) ?? { since: timeline.nowMs, count: 0 };
      const now = { ...before, count: before.count + 1 };
      tried.set(key, now);
      const max = ATTEMPTS_MAX + Math.ceil((timeline.nowMs - before.since) / HOUR_MS);
      judge.check(now.count <= max, `guest ${subject} on ${host.name}, which always fails, was tried ${now.count} times`);
    },
    wished: (host, resource) => void (resource.kind === 'guest' && tried.delete(`${host.name} ${resource.id}`)),
    opened(host) {
      for (const key of [...tried.keys()]) if (key.startsWith(`${host.name} `)) tried.delete(key);
    },
  };
}
