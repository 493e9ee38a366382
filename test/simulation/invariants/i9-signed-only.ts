import { refKey } from '@drover/shared/model/resource';
import { digestOf } from '../../../agent/src/journal.ts';
import type { Scene, Watch } from './watch.ts';

/** What clocks that drift, and a time known to the second, may add. */
const LENIENCE_MS = 5_000;

/** I9: what a host writes down as wished was signed by the control plane, for this host, had not expired, and was not kept from an earlier connection. */
export function watchSignatures({ judge, timeline }: Scene): Watch {
  /** Of each wish that was ever signed for a host: until when it may be taken. */
  const signed = new Map<string, number>();
  const written = new Map<string, string>();
  const counters = new Map<string, { session: string; newest: number; newestBefore: number }>();
  return {
    command({ host, resource, issuedAtMs, expiresAtMs }) {
      const wish = `${host} ${refKey(resource)} ${resource.generation} ${digestOf(resource)}`;
      // Whatever the clock of the control plane shows: it is valid for that long from now.
      signed.set(wish, Math.max(timeline.nowMs + expiresAtMs - issuedAtMs + LENIENCE_MS, signed.get(wish) ?? 0));
    },
    report({ name }, { session }) {
      const before = counters.get(name);
      if (before?.session === session) return;
      const newest = before?.newest ?? 0;
      counters.set(name, { session, newest, newestBefore: newest });
    },
    opened: ({ name }, { newestCounter }) => void counters.set(name, { session: '', newest: newestCounter, newestBefore: newestCounter }),
    wished(host, resource, counter) {
      const key = `${host.hostId} ${refKey(resource)}`;
      const wish = `${key} ${resource.generation} ${digestOf(resource)}`;
      // The same wish is written again with what became of it.
      if (written.get(key) === wish) return;
      written.set(key, wish);
      const untilMs = signed.get(wish);
      const what = `${refKey(resource)} at generation ${resource.generation} on ${host.name}`;
      judge.check(untilMs !== undefined, `${what} was written down, and nobody has signed that for this host`);
      const known = counters.get(host.name);
      judge.check(
        !known || counter > known.newestBefore,
        `${what} was written down, though it was sent before an earlier connection ended`,
      );
      if (known) known.newest = Math.max(known.newest, counter);
      judge.check(untilMs === undefined || timeline.nowMs <= untilMs, `${what} was written down after it had expired`);
    },
  };
}
