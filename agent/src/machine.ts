import { run } from './host/shell.ts';
import type { Machine } from './tasks/machine.ts';
import type { Upgrader } from './upgrade/upgrader.ts';

/** The real machine. systemd ends everything in order: guests first, by drover-guests.service. */
export const createMachine = (upgrader: Upgrader, hasBooted: boolean): Machine => ({
  hasBooted,
  upgrade: upgrader.upgrade,
  async power(action) {
    await run('systemctl', ['--no-wall', '--no-block', action === 'reboot' ? 'reboot' : 'poweroff'], { timeoutMs: 30_000 });
  },
});
