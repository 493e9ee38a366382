import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { realClock } from '@drover/shared/lib/clock';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  endSupervised,
  hasSystemd,
  isSupervisedAlive,
  killSupervised,
  startTicksOf,
  supervise,
  systemdRunArguments,
  waitUntilGone,
} from './supervise.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'supervise-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const options = () => ({ unit: 'drover-test', slice: 'drover.slice', description: 'test', logPath: join(folder, 'log') });

test('a process is told from another that has its number', () => {
  const startTicks = startTicksOf(process.pid) ?? 0;
  expect(isSupervisedAlive({ pid: process.pid, startTicks })).toBe(true);
  const earlier = { pid: process.pid, startTicks: startTicks - 1, unit: null };
  expect(isSupervisedAlive(earlier)).toBe(false);
  expect(killSupervised(earlier, 'SIGKILL')).toBe(false);
});

describe.skipIf(hasSystemd())('without systemd', () => {
  test('a program runs in a session of its own, its output goes to the log, and ending it takes its children along', async () => {
    const program = await supervise(
      '/bin/sh',
      ['-c', 'echo to the log; sleep 1000 & echo $! > "$0"; wait', join(folder, 'child')],
      options(),
    );
    const session = Number(readFileSync(`/proc/${program.pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[3]);
    expect(session).toBe(program.pid);
    while (!existsSync(join(folder, 'child')) || readFileSync(join(folder, 'child'), 'utf8') === '') await realClock.sleep(2);
    expect(readFileSync(join(folder, 'log'), 'utf8')).toBe('to the log\n');
    const child = Number(readFileSync(join(folder, 'child'), 'utf8'));
    await endSupervised(program, realClock);
    expect(isSupervisedAlive(program)).toBe(false);
    while (startTicksOf(child) !== null) await realClock.sleep(2);
  });

  test('an exit code is written for whoever reads it later, and words arrive as they are', async () => {
    const exitCodePath = join(folder, 'code');
    const words = ['-n', 'a b', '\'$(x)"', '', '*'];
    const program = await supervise('/bin/sh', ['-c', 'printf "[%s]" "$@"; exit 7', 'sh', ...words], { ...options(), exitCodePath });
    await waitUntilGone(program, realClock, 10_000);
    expect(readFileSync(exitCodePath, 'utf8')).toBe('7\n');
    expect(readFileSync(join(folder, 'log'), 'utf8')).toBe(words.map((word) => `[${word}]`).join(''));
  });

  test('a program that is not there is told as such', async () => {
    await expect(supervise('/no/such/program', [], options())).rejects.toMatchObject({ code: 'unsupported' });
  });
});

test("a unit is started with its words kept from systemd's own expansions", () => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: systemd's own syntax
  const words = systemdRunArguments(['/usr/bin/qemu', '$HOME', '${x}', '100%', '-n'], {
    ...options(),
    logPath: '/var/log/x',
    delegate: true,
    killMode: 'mixed',
    properties: { MemoryMax: '1G' },
  });
  expect(words).toEqual([
    '--quiet',
    '--collect',
    '--service-type=exec',
    '--unit=drover-test.service',
    '--slice=drover.slice',
    '--description=test',
    '--property=KillMode=mixed',
    '--property=StandardOutput=append:/var/log/x',
    '--property=StandardError=append:/var/log/x',
    '--property=Before=drover-guests.service',
    '--property=After=network.target remote-fs.target',
    '--property=CPUAccounting=yes',
    '--property=MemoryAccounting=yes',
    '--property=IOAccounting=yes',
    '--property=Delegate=yes',
    '--property=MemoryMax=1G',
    '--',
    '/usr/bin/qemu',
    '$$HOME',
    '$${x}',
    '100%',
    '-n',
  ]);
});
