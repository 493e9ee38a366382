import type { HostId } from '@drover/shared/model/id';
import { refKey } from '@drover/shared/model/resource';
import { SPEC_SCHEMAS } from '@drover/shared/model/spec';
import type { Scene, Watch } from './watch.ts';

/** What was begun for the wish before is ended by then. */
const MOMENT_MS = 1_000;
const SAYING_MS = 10_000;

/**
 * Releases differ: what an agent does not understand in every word it refuses and says so. It never obeys the half that it does
 * understand, nor passes over the whole in silence, and what runs it leaves as it is.
 */
export function watchUnderstanding({ judge, timeline, network, hosts }: Scene): Watch {
  /** What is wished on hosts and not understood there, and since when. */
  const strange = new Map<string, { readonly generation: number; readonly sinceMs: number }>();
  /** Commands that are not understood, until it is said. */
  const unanswered = new Map<HostId, Map<string, number>>();
  return {
    wished({ name, hostId }, { kind, id, generation, spec }) {
      const key = `${name} ${refKey({ kind, id })}`;
      const isRefused = unanswered.get(hostId)?.has(`${kind}/${id} ${generation}`) === true;
      judge.check(!isRefused, `${key} was written down, of a command that is not understood there`);
      // The translation of releases is the only source of such wishes.
      if (network.releases.wishedMore.size === 0 || SPEC_SCHEMAS[kind].safeParse(spec).success) strange.delete(key);
      else if (strange.get(key)?.generation !== generation) strange.set(key, { generation, sinceMs: timeline.nowMs });
    },
    notUnderstood(hostId, { kind, id, generation }) {
      const ofHost = unanswered.get(hostId) ?? new Map<string, number>();
      const key = `${kind}/${id} ${generation}`;
      unanswered.set(hostId, ofHost.set(key, ofHost.get(key) ?? timeline.nowMs));
    },
    report({ name, hostId }, { statuses, refused = [] }) {
      for (const { kind, id, generation } of refused) unanswered.get(hostId)?.delete(`${kind}/${id} ${generation}`);
      for (const { kind, id, acked, applied, condition, gone } of statuses) {
        const wish = strange.get(`${name} ${refKey({ kind, id })}`);
        if (!wish || acked < wish.generation) continue;
        const what = `${kind} ${id} on ${name}, of which generation ${wish.generation} is not understood there,`;
        judge.check(applied < wish.generation && condition !== 'settled' && !gone, `${what} is said to be as wished`);
        const isLate = timeline.nowMs - wish.sinceMs > SAYING_MS;
        judge.check(!isLate || condition === 'unsupported', `${what} is said to be ${condition}`);
      }
    },
    machine({ name }, event) {
      if (!('guestId' in event) || event.do === 'guest-ended') return;
      const wish = strange.get(`${name} guest/${event.guestId}`);
      const isOfOld = !wish || timeline.nowMs - wish.sinceMs < MOMENT_MS;
      judge.check(isOfOld, `${event.do}: guest ${event.guestId} on ${name}, though what is wished of it is not understood there`);
    },
    often() {
      for (const { hostId, name } of hosts) {
        for (const [key, sinceMs] of unanswered.get(hostId) ?? []) {
          const isSaid = timeline.nowMs - sinceMs <= SAYING_MS || !network.isConnected(hostId);
          judge.check(isSaid, `${name} was sent ${key}, does not understand it, and says nothing`);
        }
      }
    },
  };
}
