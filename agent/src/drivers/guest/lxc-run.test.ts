import { describe, expect, it } from 'vitest';
import { endOfRun, errorsOf } from './lxc-run.ts';

const child = (how: string) =>
  `lxc-start drover-107 20261122033630.154 INFO     error - ../src/lxc/error.c:lxc_error_set_and_log:34 - Child <20870> ended on ${how}\n`;
const STARTED =
  'lxc-start drover-107 20261122033630.253 NOTICE   start - ../src/lxc/start.c:post_start:2205 - Started "/sbin/init" with pid "20914"\n';

describe('how a run of a container ended', () => {
  it.each([
    ['it powered itself off', `${STARTED}${child('signal Interrupt(2)')}exit 0\n`, 'self'],
    ['the same, as LXC 6 says it', `${STARTED}${child('signal (2)')}exit 0\n`, 'self'],
    [
      'it rebooted, then powered itself off',
      `${STARTED}${child('signal Hangup(1)')}${STARTED}${child('signal Interrupt(2)')}exit 0\n`,
      'self',
    ],
    ['its init came to its end', `${STARTED}exit 0\n`, 'self'],
    ['it rebooted, then its init came to its end', `${child('signal Hangup(1)')}${STARTED}exit 0\n`, 'self'],
    ['its init was killed', `${STARTED}${child('signal Killed(9)')}exit 0\n`, 'crash'],
    ['its init was killed after a reboot', `${child('signal Hangup(1)')}${STARTED}${child('signal Killed(9)')}exit 0\n`, 'crash'],
    ['its init failed', `${STARTED}${child('error (7)')}exit 0\n`, 'crash'],
    ['lxc-start was killed', `${STARTED}Killed\nexit 137\n`, 'crash'],
    ['lxc-start gave up while it rebooted', `${child('signal Hangup(1)')}exit 1\n`, 'crash'],
    ['nothing was said', '', 'crash'],
  ])('%s', (_what, said, end) => {
    expect(endOfRun(said)).toBe(end);
  });

  it('tells people what LXC itself calls an error, once', () => {
    const error = (text: string) => `lxc-start x 20261122034044.798 ERROR    dir - ../src/lxc/storage/dir.c:dir_mount:163 - ${text}\n`;
    expect(
      errorsOf(
        `${STARTED}${error('Permission denied - Failed to open "/x"')}${error('Failed to setup rootfs')}${error('Failed to setup rootfs')}exit 1\n`,
      ),
    ).toBe('Permission denied - Failed to open "/x"; Failed to setup rootfs');
  });
});
