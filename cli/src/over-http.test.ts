import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ControlPlane, startControlPlane } from '../../control-plane/src/node.ts';
import { capture } from '../../test/cli/capture.ts';
import { run } from './program.ts';

/** The command line against a whole control plane, without a host. */

const folder = mkdtempSync(join(tmpdir(), 'drover-cli-'));
let plane: ControlPlane;

beforeAll(async () => {
  const options = { host: '127.0.0.1', webPath: join(folder, 'none'), version: '0.0.0', publicUrl: null, log: () => undefined };
  plane = await startControlPlane({ dataPath: folder, port: 0, ...options });
});
afterAll(async () => {
  await plane.close();
  rmSync(folder, { recursive: true });
});

async function drover(argv: readonly string[], options: { token?: string; isInTty?: boolean; answers?: string[] } = {}) {
  const { token = plane.localToken, ...rest } = options;
  const env = { DROVER_URL: plane.url.replace('localhost', '127.0.0.1'), DROVER_TOKEN: token };
  const terminal = capture({ env, ...rest });
  return { code: await run(argv, terminal), ...terminal.written };
}

describe('reading', () => {
  it.each([
    'guest list',
    'image list',
    'task list',
    'host list',
    'storage list',
    'network list',
    'task list --active',
    'guest list web --state running --tag a',
  ])('drover %s says plainly that there is nothing, and gives programs an empty list', async (line) => {
    const people = await drover(line.split(' '));
    expect(people).toMatchObject({ code: 0, out: '' });
    expect(people.err).toMatch(/^No /);
    expect(await drover([...line.split(' '), '--json'])).toEqual({ code: 0, out: '[]\n', err: '' });
  });

  it('the catalogue names what can be had', async () => {
    expect((await drover(['image', 'catalogue'])).out).toMatch(/^debian-13 +Debian 13 \(trixie\) +build +build$/m);
  });

  it.each([
    'guest show web',
    'host show fra-1',
    'host show fra-1 --hardware',
    'host figures fra-1',
    'host figures fra-1 --watch',
    'host edit fra-1 --tag a',
    'host replace fra-1 --with fra-2',
    'image show x',
    'storage show x',
    'network show x',
    'task show task_x',
  ])('drover %s: what is not there ends with 3', async (line) => {
    const { code, out, err } = await drover(line.split(' '));
    expect({ code, out }).toEqual({ code: 3, out: '' });
    expect(err).toContain('there is no');
  });
});

describe('writing', () => {
  it('names the field at fault as the control plane does', async () => {
    expect(await drover(['guest', 'create', 'Web', '--vm'])).toMatchObject({ code: 2, err: expect.stringContaining('name: ') });
  });

  it('gives programs the problem whole', async () => {
    const { code, err } = await drover(['guest', 'create', 'web', '--container', '--image', 'debian-13', '--json']);
    expect(code).toBe(1);
    expect(JSON.parse(err)).toMatchObject({ code: 'no-host', status: 503 });
  });

  it('an upload that is refused says why, however much of the file is still to come', async () => {
    const path = join(folder, 'big.iso');
    writeFileSync(path, Buffer.alloc(20_000_000));
    const { code, err } = await drover(['image', 'upload', path]);
    expect(code).toBe(1);
    expect(err).toContain('host');
    expect(err).not.toMatch(/broke off|EPIPE|ECONNRESET/);
  });

  it('prints one line to type on a new host', async () => {
    expect((await drover(['host', 'add', '--name', 'fra-2'])).out).toMatch(/^curl -fsSL \S+\/install\.sh \| sudo sh -s -- --token \S+\n$/);
  });
});

describe('people and tokens', () => {
  it('a token of a lesser role does what it may, and no more', async () => {
    const { out } = await drover(['token', 'create', 'watcher', '--role', 'auditor']);
    const token = out.trim();
    expect(await drover(['guest', 'list'], { token })).toMatchObject({ code: 0 });
    expect(await drover(['host', 'add'], { token })).toMatchObject({ code: 5, err: expect.stringContaining('Sys.Modify') });
    const id = (await drover(['token', 'list'])).out.match(/^watcher.*(token_\w+)$/m)?.[1] ?? '';
    expect(await drover(['token', 'delete', id, '--yes'])).toMatchObject({ code: 0 });
    expect(await drover(['guest', 'list'], { token })).toMatchObject({ code: 5, err: expect.stringContaining('is not known to') });
  });

  it('a sign-in link is for oneself, or for somebody else by name', async () => {
    expect((await drover(['sign-in-link'])).out).toMatch(/\/sign-in#token=\w+\n$/);
    await drover(['user', 'create', 'anna', '--role', 'operator']);
    expect((await drover(['sign-in-link', 'anna'])).err).toContain('signs anna in');
    expect((await drover(['user', 'list'])).out).toMatch(/^anna +operator /m);
    expect(await drover(['sign-in-link', 'nobody'])).toMatchObject({ code: 3 });
  });

  it('asks before it removes, takes no for an answer, and without a terminal needs --yes', async () => {
    await drover(['user', 'create', 'bob', '--role', 'auditor']);
    expect(await drover(['user', 'delete', 'bob'])).toMatchObject({ code: 2, err: expect.stringContaining('--yes') });
    expect(await drover(['user', 'delete', 'bob'], { isInTty: true, answers: ['n'] })).toMatchObject({ code: 1 });
    expect((await drover(['user', 'list'])).out).toContain('bob');
    expect(await drover(['user', 'delete', 'bob'], { isInTty: true, answers: ['y'] })).toMatchObject({ code: 0 });
    expect((await drover(['user', 'list'])).out).not.toContain('bob');
  });
});

describe('the API as it is', () => {
  it('takes a path with or without its prefix, and a query', async () => {
    expect(JSON.parse((await drover(['api', 'get', '/api/v1/guests?limit=5'])).out)).toEqual({ items: [], next: null, total: 0 });
    expect(await drover(['api', 'GET', '/guests?limit=0'])).toMatchObject({ code: 2, err: expect.stringContaining('limit') });
    expect(await drover(['api', 'GET', 'guests'])).toMatchObject({ code: 2 });
  });
});

describe('many guests at once', () => {
  it('each that cannot be started is named, with why', async () => {
    const { code, err } = await drover(['guest', 'start', 'nobody', 'nothing', '--wait']);
    expect(code).toBe(1);
    expect(err).toContain('2 of 2 guests: nobody: there is no guest nobody; nothing: there is no guest nothing');
  });

  it('somebody has to be named, or a tag that a guest has', async () => {
    expect(await drover(['guest', 'stop'])).toMatchObject({ code: 2, err: expect.stringContaining('which guests?') });
    expect(await drover(['guest', 'stop', '--tag', 'shop'])).toMatchObject({
      code: 3,
      err: expect.stringContaining('no guest has the tag shop'),
    });
  });
});
