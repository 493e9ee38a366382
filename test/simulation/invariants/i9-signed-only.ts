import { canonicalJson } from '@drover/shared/lib/digest';
import { type Resource, refKey } from '@drover/shared/model/resource';
import type { Scene, Watch } from './watch.ts';

/** What clocks that drift, and a time known to the second, may add. */
const LENIENCE_MS = 5_000;

/** I9: what a host writes down as wished was signed by the control plane, for this host, had not expired, and was not kept from an earlier connection. */
export function watchSignatures({ judge, timeline }: Scene): Watch {
  /** Of each wish that was ever signed for a host: until when it may be taken, and the counters it came with: which of them reached the host is not known here. */
  const signed = new Map<string, { readonly untilMs: number; readonly first: number; readonly last: number }>();
  const written = new Map<string, string>();
  const counters = new Map<string, { session: string; newest: number; newestBefore: number }>();
  return {
    command({ host, counter, resource, issuedAtMs, expiresAtMs }) {
      const wish = `${host} ${refKey(resource)} ${resource.generation} ${contentOf(resource)}`;
      const before = signed.get(wish) ?? { untilMs: 0, first: counter, last: counter };
      // Whatever the clock of the control plane shows: it is valid for that long from now.
      const untilMs = Math.max(timeline.nowMs + expiresAtMs - issuedAtMs + LENIENCE_MS, before.untilMs);
      signed.set(wish, { untilMs, first: Math.min(counter, before.first), last: Math.max(counter, before.last) });
    },
    report({ name }, { session }) {
      const before = counters.get(name);
      if (before?.session === session) return;
      const newest = before?.newest ?? 0;
      counters.set(name, { session, newest, newestBefore: newest });
    },
    opened({ name }, { newestCounter }) {
      // What rotted it cannot know any more.
      const newest = Math.min(counters.get(name)?.newest ?? 0, newestCounter);
      counters.set(name, { session: '', newest, newestBefore: newest });
    },
    wished(host, resource) {
      const key = `${host.hostId} ${refKey(resource)}`;
      const wish = `${key} ${resource.generation} ${contentOf(resource)}`;
      // The same wish is written again with what became of it.
      if (written.get(key) === wish) return;
      written.set(key, wish);
      const what = `${refKey(resource)} at generation ${resource.generation} on ${host.name} was written down`;
      const command = signed.get(wish);
      judge.check(command !== undefined, `${what}, and nobody has signed that for this host`);
      if (!command) return;
      judge.check(timeline.nowMs <= command.untilMs, `${what} after it had expired`);
      const known = counters.get(host.name);
      if (!known) return;
      judge.check(command.last > known.newestBefore, `${what}, though it was sent before an earlier connection ended`);
      known.newest = Math.max(known.newest, command.first);
    },
  };
}

const contentOf = ({ spec, deletion }: Resource): string => canonicalJson({ spec, deletion });
