import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ControlPlane, startControlPlane } from '../../control-plane/src/node.ts';
import { capture } from '../../test/cli/capture.ts';
import { complete } from './complete.ts';
import { createProgram, run } from './program.ts';

/** Rights from the command line, against a whole control plane. */

const folder = mkdtempSync(join(tmpdir(), 'drover-cli-access-'));
let plane: ControlPlane;

beforeAll(async () => {
  const options = { host: '127.0.0.1', webPath: join(folder, 'none'), version: '0.0.0', publicUrl: null, log: () => undefined };
  plane = await startControlPlane({ dataPath: folder, port: 0, ...options });
});
afterAll(async () => {
  await plane.close();
  rmSync(folder, { recursive: true });
});

async function drover(line: string, token = plane.localToken) {
  const terminal = capture({ env: { DROVER_URL: plane.url.replace('localhost', '127.0.0.1'), DROVER_TOKEN: token } });
  return { code: await run(line.split(' '), terminal), ...terminal.written };
}
async function done(line: string): Promise<string> {
  const { code, out, err } = await drover(line);
  expect([line, code, err]).toEqual([line, 0, expect.not.stringContaining('rror')]);
  return out;
}

describe('a right', () => {
  it('is given to a group in a pool, explained, and taken back', async () => {
    await done('user create anna');
    await done('group create ops');
    await done('group add ops anna');
    await done('pool create shop --memory-max 64GiB --guests-max 5');
    const id = /grant_\w+/.exec(await done('grant add group:ops guest-user /pool/shop --until 2099-01-31'))?.[0] ?? '';
    expect(await done('grant list --who group:ops')).toMatch(/^group ops +guest-user +\/pool\/shop +yes +2099-01-3\d .* grant_\w+$/m);
    const told = await done('access explain anna /pool/shop');
    expect(told).toMatch(/^user anna on \/pool\/shop:\n {2}.*VM\.Audit.*\n {4}guest-user for group ops on \/pool\/shop, until 2099-01-3/);
    expect(await done('access explain anna')).toMatch(/^user anna:\n {2}\/\n {4}nothing\n[\s\S]* {2}\/pool\/shop\n {4}.*VM\.Audit/);
    expect(JSON.parse(await done('access explain anna /pool/shop --json'))).toMatchObject({ path: '/pool/shop', refused: null });
    await done(`grant delete ${id} --yes`);
    expect(await done('access explain anna /pool/shop')).toBe('user anna on /pool/shop: nothing.\n');
    await done('group remove ops anna');
    expect(await done('group list')).toMatch(/^ops +- +-$/m);
    await done('group delete ops --yes');
  });

  it('of one’s own is explained without a name', async () =>
    expect(await done('access explain /')).toMatch(/^token \S+ on \/:\n {2}everything\n {4}its owner: owner for user \S+ on \/\n$/));

  it('of nobody, or nowhere, ends with 3', async () => {
    expect(await drover('access explain nobody /')).toMatchObject({ code: 3, out: '' });
    expect(await drover('access explain /vms/nothing')).toMatchObject({ code: 3, err: expect.stringContaining('there is nothing at') });
    expect(await drover('grant add anna auditor /vms/nothing')).toMatchObject({ code: 3, out: '' });
    expect(await drover('grant add anna auditor / --until soon')).toMatchObject({ code: 2, err: expect.stringContaining('--until') });
  });
});

it('a role of one’s own is made, listed and removed', async () => {
  await done('role create starter --privileges VM.Audit,VM.PowerMgmt');
  expect(await done('role list')).toMatch(/^starter +0 +VM\.Audit, VM\.PowerMgmt$/m);
  await done('role delete starter --yes');
  expect(await done('role list')).not.toContain('starter');
  expect(await done('role list --privileges')).toMatch(/^VM\.PowerMgmt /m);
  expect(await drover('role create x --privileges VM.Fly')).toMatchObject({ code: 2 });
});

it('the limits of a pool are changed one at a time, and taken away', async () => {
  await done('pool create lab');
  await done('pool create lab/test --guests-max 5');
  expect(await done('pool edit lab/test --cores-max 8 --disk-max 1TiB')).toContain('5 guests, 8 cores, 1 TiB disk');
  expect(await done('pool edit lab/test --guests-max none')).toContain('may come to: 8 cores, 1 TiB disk');
  expect(await done('pool list')).toMatch(/^lab\/test +8 cores, 1 TiB disk +-$/m);
  expect(await drover('pool put guest web lab')).toMatchObject({ code: 3, err: expect.stringContaining('there is no guest web') });
  expect(await drover('pool take host web')).toMatchObject({ code: 2 });
  await done('pool delete lab/test --yes');
});

it('a token with own grants only has nothing until something is granted to it', async () => {
  const token = (await done('token create ci --own-grants-only --expires 2099-01-31')).trim();
  const [{ user }] = JSON.parse(await done('token list --json')).filter(({ name }: { name: string }) => name === 'ci');
  expect((await drover('role create mine --privileges VM.Audit', token)).code).toBe(5);
  await done(`grant add ${user.name}!ci owner /`);
  expect((await drover('role create mine --privileges VM.Audit', token)).code).toBe(0);
  expect(await drover('token create late --expires 2001-01-31')).toMatchObject({ code: 2, err: expect.stringContaining('has passed') });
});

describe('completion', () => {
  it.each([
    ['grant add an', ['anna']],
    ['grant add group:ops aud', ['auditor']],
    ['grant add anna auditor /p', ['/pool', '/pool/lab']],
    ['grant list --who an', ['anna']],
    ['pool put sto', ['storage']],
    ['pool edit l', ['lab']],
    ['access list anna VM.Con', ['VM.Config.CDROM']],
  ])('drover %s', async (line, expected) => {
    const terminal = capture({ env: { DROVER_URL: plane.url.replace('localhost', '127.0.0.1'), DROVER_TOKEN: plane.localToken } });
    expect(await complete(createProgram(terminal), line.split(' '), terminal)).toEqual(expect.arrayContaining(expected));
  });
});

describe('the record', () => {
  it('is listed as a story, found by thing, exported and proved', async () => {
    await done('group create watchers');
    expect(await done('audit list --thing group')).toMatch(/owner +made group watchers: made +token this-machine/);
    expect(
      (await done('audit export'))
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).number)[0],
    ).toBe(1);
    expect(await done('audit verify')).toMatch(/^The record is whole: \d+ entries, [0-9a-f]{64}\n$/);
    expect((await drover('audit list --who nobody')).err).toBe('Nothing of that is in the record.\n');
    expect(await drover('audit list --since yesterday')).toMatchObject({ code: 2, err: expect.stringContaining('--since') });
  });
});
