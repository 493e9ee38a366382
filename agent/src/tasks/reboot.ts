import { Problem } from '@drover/shared/lib/problem';
import { definitionOf, placeOf } from '../perform.ts';
import type { TaskContext, TaskKind } from './task.ts';

/** Restarts a guest in place, in the guest's own queue so that nothing else is done to it meanwhile. It may take minutes: a newer wish for the guest does not wait. */
export const reboot: TaskKind<'guest.reboot'> = {
  async run(spec, context) {
    const ref = { kind: 'guest', id: String(spec.guestId) } as const;
    await context.reconciler.exclusively(ref, async (newerWish) => {
      const signal = AbortSignal.any([context.signal, newerWish]);
      signal.throwIfAborted();
      const paused = context.choices.paused();
      if (paused)
        throw new Problem('wrong-state', `the agent on this host is paused${paused.reason ? `: ${paused.reason}` : ''}`, {
          suggestion: 'drover-agent resume, on the host, ends that',
        });
      const { wish, running, startedAtMs, type } = await runningGuest(spec.guestId, context);
      // Interrupted half-way by the agent's end, and since started by the loop: that was the restart.
      if (running && startedAtMs > context.begunAtMs) return;
      if (!running)
        throw new Problem('wrong-state', `guest ${wish.spec.name} is not running`, {
          suggestion: `start it: drover guest start ${wish.spec.name}`,
        });
      context.log(`${spec.force ? 'resetting' : 'rebooting'} ${wish.spec.name}`);
      await context.drivers.guests[type].reboot(definitionOf({ wish, wishes: context.wishes }), spec.force, signal);
    });
    context.reconciler.wake(ref);
    return {};
  },
  /** A guest whose run began after the task did has been restarted; any other is restarted now. */
  async recover(spec, context) {
    const { running, startedAtMs } = await runningGuest(spec.guestId, context);
    return running && startedAtMs > context.begunAtMs ? { do: 'finished' } : { do: 'run-again' };
  },
};

async function runningGuest(guestId: number, context: TaskContext) {
  const wish = context.wishes.get('guest', String(guestId));
  if (!wish) throw new Problem('not-found', `this host has no guest ${guestId}`);
  const { id, folder, type } = placeOf(wish, context.wishes);
  const observed = await context.drivers.guests[type].observe(id, folder);
  return { wish, type, running: observed?.running ?? false, startedAtMs: observed?.lastRun?.startedAtMs ?? 0 };
}
