import type { Scene, Watch } from './watch.ts';

const EVENTS_MAX = 2_000;
const MESSAGES_PER_HOST_AND_MINUTE_MAX = 1_500;

/** Nothing piles up: not events to come, not messages, not files. */
export function watchBounds({ judge, timeline, network, hosts, ledger }: Scene): Watch {
  let minuteBegan = { atMs: timeline.nowMs, sent: 0 };
  return {
    often() {
      judge.check(timeline.pending <= EVENTS_MAX, `${timeline.pending} events are waiting to happen`);
      for (const host of hosts) {
        const { size } = host.disk.files;
        const filesMax = 2 * ledger.wishesEver.size + 20;
        judge.check(size <= filesMax, `the journal of ${host.name} has ${size} files, for ${ledger.wishesEver.size} resources in all`);
      }
      if (timeline.nowMs - minuteBegan.atMs < 60_000) return;
      const messages = network.sent - minuteBegan.sent;
      const messagesMax = MESSAGES_PER_HOST_AND_MINUTE_MAX * hosts.length;
      judge.check(messages <= messagesMax, `${messages} messages in one minute`);
      minuteBegan = { atMs: timeline.nowMs, sent: network.sent };
    },
  };
}
