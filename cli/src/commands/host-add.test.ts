import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ControlPlane, startControlPlane } from '../../../control-plane/src/node.ts';
import { capture } from '../../../test/cli/capture.ts';
import { run } from '../program.ts';
import { sshArguments } from '../ssh-join.ts';

/** `drover host add` against a whole control plane, with a stand-in for ssh: the real one is in test/lab. */

const folder = mkdtempSync(join(tmpdir(), 'drover-host-add-'));
let plane: ControlPlane;

beforeAll(async () => {
  const options = {
    host: '127.0.0.1',
    webPath: join(folder, 'none'),
    version: '0.0.0',
    publicUrl: null,
    log: () => undefined,
  };
  plane = await startControlPlane({ dataPath: folder, port: 0, ...options });
});
afterAll(async () => {
  await plane.close();
  rmSync(folder, { recursive: true });
});

async function drover(...argv: string[]) {
  const env = { DROVER_URL: plane.url.replace('localhost', '127.0.0.1'), DROVER_TOKEN: plane.localToken, PATH: `${folder}:/usr/bin:/bin` };
  const terminal = capture({ env });
  return { code: await run(argv, terminal), ...terminal.written };
}

/** What is in ssh's place writes down what it was given, says `words` and ends with `code`. */
function ssh(code: number, words = ''): void {
  const path = join(folder, 'ssh');
  writeFileSync(path, `#!/bin/sh\nprintf '%s\\n' "$@" > ${folder}/argv\ncat > ${folder}/stdin\necho '${words}' >&2\nexit ${code}\n`);
  chmodSync(path, 0o755);
}
const openTokens = async () => JSON.parse((await drover('api', 'GET', '/hosts/enrolments')).out).items.length;

describe('drover host add --ssh', () => {
  it('gives the token by stdin, and to nobody by an argument', async () => {
    ssh(1, 'the disk is full');
    expect(await drover('host', 'add', '--ssh', 'anna@192.0.2.7', '--port', '2222')).toEqual({
      code: 1,
      out: '',
      err: expect.stringMatching(/^the disk is full\n.*anna@192\.0\.2\.7 did not become a host; above is why/),
    });
    const token = readFileSync(join(folder, 'stdin'), 'utf8').trim();
    expect(token).toMatch(/^[a-z0-9]{40}$/);
    const argv = readFileSync(join(folder, 'argv'), 'utf8');
    expect(argv).toMatch(/^-p\n2222\n-T\n--\nanna@192\.0\.2\.7\nexec sh -c /);
    expect(argv).not.toContain(token);
  });

  it('takes the token back when it was not used', async () => {
    ssh(255);
    expect((await drover('host', 'add', '--ssh', 'nowhere')).code).toBe(6);
    ssh(0);
    expect((await drover('host', 'add', '--ssh', 'fra-1', '--dry-run')).code).toBe(0);
    expect(await openTokens()).toBe(0);
  });

  it.each(['-oProxyCommand=id', '', 'a b', 'a\nb'])('refuses %j, which is no place', async (destination) => {
    ssh(0);
    const { code, err } = await drover('host', 'add', `--ssh=${destination}`);
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining('is no user@host') });
    expect(await openTokens()).toBe(0);
  });

  it('is one word for whatever shell is there, with the address in quotes', () => {
    const given = sshArguments({ destination: 'h', port: undefined, url: "https://it's.test", dryRun: true });
    expect(given.slice(0, 3)).toEqual(['-T', '--', 'h']);
    expect(given).toHaveLength(4);
    expect(given[3]).toContain('--dry-run');
  });
});

describe('drover host add', () => {
  it('prints user data for cloud-init, which joins once', async () => {
    const { code, out, err } = await drover('host', 'add', '--cloud-init');
    expect(code).toBe(0);
    expect(err).toMatch(/^User data for one machine that boots before /);
    expect(out).toMatch(/^#cloud-config\n/);
    const [, line = ''] = /^ {2}- (".*")$/m.exec(out) ?? [];
    expect(JSON.parse(line)).toMatch(
      /^test -e \/var\/lib\/drover\/agent\/identity\.json \|\| \{ curl -fsSL http:\/\/\S+\/install\.sh \| DROVER_TOKEN=[a-z0-9]{40} sh; \}$/,
    );
  });

  it.each([
    [['--ssh', 'a', '--cloud-init'], 'one of --ssh'],
    [['--port', '22'], 'belong to --ssh'],
    [['--dry-run'], 'belong to --ssh'],
    [['--ssh', 'a', '--port', '0'], '--port'],
  ])('%j ends with 2', async (words, mistake) => {
    expect(await drover('host', 'add', ...words)).toMatchObject({ code: 2, err: expect.stringContaining(mistake) });
  });
});
