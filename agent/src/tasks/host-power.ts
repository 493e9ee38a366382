import type { TaskKind } from './task.ts';

/** Reboots the host, or shuts it down. A reboot is done when the agent is back after it; a shutdown, once it has begun: nobody is left to say more. */
export const hostPower: TaskKind<'host.power'> = {
  async run({ action }, { hostActions, signal, log }) {
    log(action === 'reboot' ? 'rebooting: guests are shut down first' : 'shutting down: guests first');
    await hostActions.power(action);
    if (action === 'shutdown') return {};
    // The agent ends over it, and recovers the task after the boot.
    return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
  },
  async recover(_spec, { hostActions }) {
    return hostActions.hasBooted ? { do: 'finished' } : { do: 'run-again' };
  },
};
