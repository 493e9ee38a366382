import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { capture } from '../../test/cli/capture.ts';
import { run } from './program.ts';

/** Rights judged from a file, without a control plane. */

const folder = mkdtempSync(join(tmpdir(), 'drover-bundle-'));
afterAll(() => rmSync(folder, { recursive: true }));

const BUNDLE = {
  users: [{ name: 'alice@pve', secondFactor: true }, { name: 'bob' }],
  groups: [{ name: 'ops', members: ['bob'] }],
  roles: [{ name: 'PVEVMUser', privileges: ['VM.Audit', 'VM.Console'] }],
  pools: [{ name: 'shop', members: ['/vms/107', '/storage/s'] }],
  tokens: [{ name: 'alice@pve!ci' }],
  grants: [
    { principal: 'user:alice@pve', role: 'owner', scope: '/' },
    { principal: 'group:ops', role: 'PVEVMUser', scope: '/pool/shop', until: '2027-01-31' },
    { principal: 'token:alice@pve!ci', role: 'auditor', scope: '/vms' },
  ],
};

function file(bundle: unknown): string {
  const path = join(folder, 'bundle.json');
  writeFileSync(path, typeof bundle === 'string' ? bundle : JSON.stringify(bundle));
  return path;
}

async function access(bundle: unknown, ...argv: string[]) {
  const terminal = capture({ env: { DROVER_CONFIG: '/nonexistent/contexts.json' } });
  const code = await run(['access', ...argv, '--bundle', file(bundle), '--at', '2026-11-22'], terminal);
  return { code, ...terminal.written };
}

describe('access explain', () => {
  const had = async (...argv: string[]) => {
    const { code, out } = await access(BUNDLE, 'explain', ...argv);
    expect(code).toBe(0);
    return JSON.parse(out);
  };

  it('prints the privileges at a path, each with the grant that gave it', async () =>
    expect(await had('bob', '/vms/107')).toMatchObject({
      who: { kind: 'user', id: 'bob' },
      path: '/vms/107',
      memberOf: ['/pool/shop'],
      privileges: [
        { privilege: 'VM.Audit', inherit: false, because: [{ grant: { id: 'grants.1' }, via: '/pool/shop', effect: 'gives' }] },
        { privilege: 'VM.Console' },
      ],
      withheld: [],
    }));

  it('prints every path that is named, without one', async () => {
    const { paths } = await had('group:ops');
    const some = paths.flatMap(({ path, privileges }: { path: string; privileges: unknown[] }) => (privileges.length > 0 ? [path] : []));
    expect(some).toEqual(['/pool/shop', '/storage/s', '/vms/107']);
  });

  it('knows a token by its name', async () =>
    expect(await had('alice@pve!ci', '/vms/1')).toMatchObject({ who: { kind: 'token' }, refused: null }));

  it('judges as of another time', async () => {
    const terminal = capture();
    await run(['access', 'explain', 'bob', '/vms/107', '--bundle', file(BUNDLE), '--at', '2027-01-31'], terminal);
    expect(JSON.parse(terminal.written.out)).toMatchObject({ privileges: [], withheld: [{ because: [{ effect: 'expired' }] }, {}] });
  });

  it.each([
    [['zoe'], 3, '"zoe" is neither a user, a token nor a group'],
    [['token:bob'], 3, '"token:bob" is neither'],
    [['bob', 'vms'], 2, 'a path such as'],
  ])('%j ends with %i and says what is wrong', async (argv, code, words) =>
    expect(await access(BUNDLE, 'explain', ...argv)).toMatchObject({ code, out: '', err: expect.stringContaining(words) }),
  );

  it('needs a bundle that is there', async () => {
    const terminal = capture();
    expect(await run(['access', 'check'], terminal)).toBe(2);
    expect(await run(['access', 'explain', 'bob', '--bundle', join(folder, 'none')], terminal)).toBe(2);
    expect(terminal.written.err).toMatch(/--bundle: say which file[\s\S]*--bundle: ENOENT/);
  });

  it('refuses what is wrong in a bundle by its place', async () => {
    const { code, err } = await access({ users: [{ name: 'a', colour: 'red' }] }, 'explain', 'a');
    expect(code).toBe(2);
    expect(err).toMatch(/users\.0\.colour: there is no such field\nRemove it/);
  });
});

describe('access check', () => {
  it('is quiet, and ends with 0, where nothing is wrong', async () =>
    expect(await access(BUNDLE, 'check')).toEqual({ code: 0, out: '', err: 'Nothing is wrong.\n' }));

  it('ends with 1 at an error, and says where each finding is', async () => {
    const wrong = { ...BUNDLE, users: [{ name: 'alice@pve', secondFactor: false }, { name: 'bob' }] };
    const people = await access(wrong, 'check');
    expect(people).toMatchObject({ code: 1, err: expect.stringContaining('One error.') });
    expect(people.out).toMatch(/^error +users\.0 +owner-without-second-factor +alice@pve owns \/ and has no second factor\.$/m);
    const program = await access(wrong, 'check', '--json');
    expect(program.code).toBe(1);
    expect(JSON.parse(program.out)).toMatchObject([{ code: 'owner-without-second-factor', severity: 'error', where: 'users.0' }]);
  });

  it('ends with 0 at mere warnings', async () =>
    expect(await access({ ...BUNDLE, groups: [...BUNDLE.groups, { name: 'none' }] }, 'check')).toMatchObject({ code: 0 }));
});

it('access list prints the things on which somebody has a privilege', async () =>
  expect(await access(BUNDLE, 'list', 'bob', 'VM.Console')).toEqual({ code: 0, out: '/storage/s\n/vms/107\n', err: '' }));

it('access schema prints the JSON Schema of a bundle', async () => {
  const terminal = capture();
  expect(await run(['access', 'schema'], terminal)).toBe(0);
  expect(JSON.parse(terminal.written.out)).toMatchObject({ type: 'object', additionalProperties: false });
});
