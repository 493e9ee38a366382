import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GuestView } from '@drover/shared/api/views';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApi } from './api.ts';
import type { CliResult } from './cli.ts';
import { output, type Person, runPathOf, STARTED, said, sitDown } from './person.ts';
import type { RunningProcess } from './process.ts';

const README = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');

/** The README's five minutes: `npm start`, and its lines typed as they stand there. Images come from Debian's mirror. */
describe('the first minutes', () => {
  let person: Person;
  let start: RunningProcess;
  let host: string;
  let running: readonly string[];

  beforeAll(async () => {
    person = await sitDown({ instance: 'f' });
  });
  afterAll(() => person.close());

  /** A line of the README, no letter other. */
  const type = (line: string): Promise<CliResult> => {
    expect(README).toContain(`\n${line}\n`);
    return person.type(line);
  };

  it('start with one command, which says where Drover is, who signs in how, and what to try', async () => {
    start = person.begin('npm start');
    await start.untilSays(STARTED);
    expect(start.output()).toContain(`Drover is running at ${person.url}\n`);
    expect(start.output()).toContain('npx drover guest create web --container');
    host = said(start, /^Host +(\S+): this machine$/m);
    const body = JSON.stringify({ token: said(start, /^Sign in +\S+\/sign-in#token=(\w+) /m) });
    const signedIn = await fetch(`${person.url}/api/v1/session`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    expect(signedIn.status).toBe(201);
  });

  it('bring a container and a virtual machine, each by a line in a terminal of its own', async () => {
    const made = await Promise.all([
      type('npx drover guest create web --container --image debian-13 --memory 256MiB --start --wait'),
      type('npx drover guest create db --vm --image debian-13 --memory 512MiB --cores 1 --start --wait'),
    ]);
    expect(made.map(({ code, stdout, stderr }) => (code === 0 ? stdout : stderr))).toEqual([
      expect.stringMatching(/^Guest web \(\d+\) runs\.\n$/),
      expect.stringMatching(/^Guest db \(\d+\) runs\.\n$/),
    ]);
    expect(output(await type('npx drover guest exec web -- cat /etc/os-release'))).toContain('PRETTY_NAME="Debian GNU/Linux 13 (trixie)"');
  });

  it('go on in the guests when Ctrl-C ends Drover', async () => {
    running = processesOf(person);
    expect(running.map((line) => line.replace(/^\d+ /, ''))).toEqual(expect.arrayContaining(['lxc-start', 'qemu-system-x86_64']));
    expect(await person.ctrlC(start)).toBe(0);
    expect((await type('npx drover guest list')).stderr).toContain('npm start in the Drover folder starts it');
    expect(processesOf(person)).toEqual(running);
  });

  it('are found as they were by a second start', async () => {
    start = person.begin('npm start');
    await start.untilSays(STARTED);
    expect(said(start, /^Host +(\S+): this machine$/m)).toBe(host);
    expect(start.output()).not.toMatch(/#token=|Installing|Building/);
    // Its host has yet to say so.
    for (const guest of ['db', 'web']) await api().guestUntil(guest, ({ state }) => state === 'running');
    const listed = await type('npx drover guest list');
    expect(output(listed)).toMatch(/^\d+ +db +vm +running /m);
    expect(output(listed)).toMatch(/^\d+ +web +container +running +10\./m);
    expect(processesOf(person)).toEqual(running);
  });

  it('show a virtual machine that has booted, has an address, and runs programs', async () => {
    await api().guestUntil('db', ({ addresses }) => addresses.length > 0);
    expect(GuestView.parse(JSON.parse(output(await type('npx drover guest show db --json'))))).toMatchObject({
      name: 'db',
      type: 'vm',
      state: 'running',
      memoryBytes: 512 * 2 ** 20,
      cores: 1,
      addresses: [expect.stringMatching(/^10\./)],
      crashes: 0,
    });
    expect(output(await execOnceBooted('npx drover guest exec db -- cat /etc/os-release'))).toContain(
      'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"',
    );
    expect(processesOf(person)).toEqual(running);
  });

  it('end with a guest that is shut down and another that is deleted', async () => {
    expect(output(await type('npx drover guest shutdown db --wait'))).toBe('Guest db is shut down.\n');
    expect(output(await type('npx drover guest delete web --yes --wait'))).toBe('Guest web is deleted.\n');
    const listed = output(await type('npx drover guest list'));
    expect(listed).toMatch(/^\d+ +db +vm +stopped /m);
    expect(listed).not.toContain('web');
    expect(processesOf(person)).toEqual([]);
    expect(await person.ctrlC(start)).toBe(0);
  });

  const api = () => createApi(person.url, readFileSync(join(person.dataPath, 'control-plane/local-token'), 'utf8').trim());

  /** Until the guest has booted, the line says itself that this is what to wait for. */
  async function execOnceBooted(line: string): Promise<CliResult> {
    for (;;) {
      const result = await person.type(line);
      if (!result.stderr.includes('wait until the guest has booted')) return result;
    }
  }
});

/** Process number and name of what runs guests. */
function processesOf(person: Person): string[] {
  const runPath = runPathOf(person.dataPath);
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      const [program = '', ...args] = commandLine(pid);
      return /^(qemu-system-|lxc-start)/.test(program) && args.some((arg) => runPath !== null && arg.includes(runPath))
        ? [`${pid} ${program}`]
        : [];
    });
}

function commandLine(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    // It has just ended.
    return [];
  }
}
