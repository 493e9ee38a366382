import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { run } from '../host/shell.ts';
import { UPGRADE_SCRIPT } from './script.ts';

/** The script as it is, with stand-ins for Debian's programs that note how they were called. */
const BUILD = 'abcdefabcdef';
let folder: string;
const file = (name: string) => join(folder, name);
const read = (name: string) => readFileSync(file(name), 'utf8').trim();

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'drover-upgrade-'));
  mkdirSync(file('bin'));
  for (const program of ['apt-get', 'dpkg', 'systemctl', 'journalctl', 'sleep']) programIs(program, '');
  writeFileSync(file('build'), BUILD);
  writeFileSync(file('seconds'), '3');
  writeFileSync(file('run.sh'), UPGRADE_SCRIPT);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function programIs(name: string, body: string) {
  writeFileSync(file(`bin/${name}`), `#!/bin/sh\necho "${name} $*" >>'${file('calls')}'\n${body}\n`);
  chmodSync(file(`bin/${name}`), 0o755);
}
const upgrade = () =>
  run('sh', ['-c', 'echo $$ > pid; exec sh ./run.sh'], { cwd: folder, env: { PATH: `${file('bin')}:${process.env.PATH}` } });
const calls = () => read('calls').split('\n');
/** As the new agent writes it when it has got on. */
const getsOn = `echo ${BUILD} > healthy`;

describe('the upgrade script', () => {
  it('installs the new package and ends when its agent has got on', async () => {
    programIs('apt-get', getsOn);
    await upgrade();
    expect(read('outcome')).toBe('done');
    expect(calls().some((call) => /^apt-get .* install \.\/new\.deb$/.test(call))).toBe(true);
    expect(calls().some((call) => call.startsWith('dpkg') && call.includes('old.deb'))).toBe(false);
    expect(existsSync(file('run.sh'))).toBe(false);
  });

  it('brings the agent before back when the new one does not get on in its time, and says what that one said', async () => {
    programIs('journalctl', 'echo "SyntaxError: that was to be expected"');
    await upgrade();
    expect(read('outcome')).toMatch(/^back the new agent did not get on in 3 s: .*SyntaxError/);
    expect(calls()).toContain('dpkg --force-depends --install old.deb');
    expect(calls().filter((call) => call === 'sleep 1')).toHaveLength(3);
  });

  it('does not wait for one that ends again and again', async () => {
    programIs('systemctl', 'echo 5');
    await upgrade();
    expect(read('outcome')).toMatch(/^back the new agent did not get on in 0 s/);
  });

  it('is not deceived by the word of another build', async () => {
    programIs('apt-get', 'echo 000000000000 > healthy');
    await upgrade();
    expect(read('outcome')).toMatch(/^back /);
  });

  it('brings the agent before back when the package cannot be installed', async () => {
    programIs('apt-get', 'echo "E: no such thing as lxc"; exit 100');
    await upgrade();
    expect(read('outcome')).toBe('back the package could not be installed: E: no such thing as lxc');
    expect(calls()).toContain('dpkg --force-depends --install old.deb');
  });

  it.each([
    ['while it installs', 'apt-get', getsOn, 'done'],
    ['while it waits', 'sleep', '', 'back'],
    ['while it gives up', 'journalctl', '', 'back'],
  ])('killed %s, it goes on at the next boot', async (_when, program, otherwise, word) => {
    // As by a power cut: at this very moment nothing of it is left.
    programIs(program, `[ -e killed ] || { touch killed; kill -9 $(cat pid); exit 1; }\n${otherwise}`);
    await expect(upgrade()).rejects.toThrow('SIGKILL');
    expect(existsSync(file('outcome'))).toBe(false);
    await upgrade();
    expect(read('outcome').split(' ')[0]).toBe(word);
  });
});
