import type { Scene, Watch } from './watch.ts';

/** I4: a command has effect at most once, whatever the network and crashes do to it. */
export function watchEffects({ judge, ledger }: Scene): Watch {
  const ran = new Map<string, number>();
  const rebooted = new Map<number, number>();
  const rebootsAsked = (guestId: number): number => {
    let count = 0;
    for (const [key, wishes] of ledger.wishesEver) {
      const spec = key.startsWith('task/') ? wishes[0]?.spec : undefined;
      if (spec && 'do' in spec && spec.do === 'guest.reboot' && spec.guestId === guestId) count += 1;
    }
    return count;
  };
  const lostTasks = new Set<string>();
  return {
    machine(host, event) {
      const where = `guest ${'guestId' in event ? event.guestId : ''} on ${host.name}`;
      if (event.do === 'guest-started') {
        const { last, powerRequest } = event;
        const isRepeated = !event.again && last?.powerRequest === powerRequest && last.end === 'self';
        judge.check(!isRepeated, `${where} was started twice for request ${powerRequest}, though it had powered itself off`);
      }
      judge.check(event.do !== 'guest-doubled', `${where} was started while it ran`);
      if (event.do === 'guest-ran') {
        const [, ticket = ''] = event.command;
        const count = (ran.get(ticket) ?? 0) + 1;
        ran.set(ticket, count);
        judge.check(count === 1 || lostTasks.has(host.name), `a program was run ${count} times in ${where} for one task`);
      }
      if (event.do === 'guest-rebooted') {
        const count = (rebooted.get(event.guestId) ?? 0) + 1;
        rebooted.set(event.guestId, count);
        const asked = rebootsAsked(event.guestId);
        judge.check(count <= asked || lostTasks.has(host.name), `${where} was rebooted ${count} times, for ${asked} tasks`);
      }
    },
    // A journal that has forgotten its tasks cannot know what it has done.
    journalLost: (host) => void lostTasks.add(host.name),
    // Nor does a control plane whose database is an older copy know what it was asked since: who asks again gets another task for it.
    restored: () => ran.clear(),
  };
}
