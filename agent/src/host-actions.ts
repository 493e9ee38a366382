import { run } from './host/shell.ts';
import type { HostActions } from './tasks/host-actions.ts';
import type { Upgrader } from './upgrade/upgrader.ts';

/** The real ones. systemd ends everything in order: guests first, by drover-guests.service. */
export const createHostActions = (upgrader: Upgrader, hasBooted: boolean): HostActions => ({
  hasBooted,
  upgrade: upgrader.upgrade,
  async power(action) {
    await run('systemctl', ['--no-wall', '--no-block', action === 'reboot' ? 'reboot' : 'poweroff'], { timeoutMs: 30_000 });
  },
});
