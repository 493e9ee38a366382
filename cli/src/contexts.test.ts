import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { capture } from '../../test/cli/capture.ts';
import { resolveTarget } from './contexts.ts';
import { run } from './program.ts';

const folder = mkdtempSync(join(tmpdir(), 'drover-contexts-'));
afterAll(() => rmSync(folder, { recursive: true }));
let count = 0;
const freshEnv = () => {
  count += 1;
  return { DROVER_CONFIG: join(folder, String(count), 'contexts.json') };
};

async function drover(env: Record<string, string>, ...argv: string[]) {
  const terminal = capture({ env });
  const code = await run(argv, terminal);
  return { code, ...terminal.written };
}

describe('contexts', () => {
  it('the first becomes the current one, and the file is for its owner only', async () => {
    const env = freshEnv();
    expect(await drover(env, 'context', 'add', 'work', '--url', 'https://drover.example.org/', '--token', 'drv_1')).toMatchObject({
      code: 0,
    });
    expect(await drover(env, 'context', 'add', 'home', '--url', 'http://localhost:8420', '--token', 'drv_2')).toMatchObject({ code: 0 });
    expect(statSync(env.DROVER_CONFIG).mode & 0o777).toBe(0o600);
    expect(await resolveTarget(env, undefined)).toEqual({ url: 'https://drover.example.org', token: 'drv_1', from: 'work' });
    expect(await resolveTarget(env, 'home')).toMatchObject({ token: 'drv_2' });
    await drover(env, 'context', 'use', 'home');
    const listed = await drover(env, 'context', 'list');
    expect(listed.out).toMatch(/^\*\s+home/m);
    expect(listed.out).not.toContain('drv_');
  });

  it('the variables win over the current context, and --context over the variables', async () => {
    const env = freshEnv();
    await drover(env, 'context', 'add', 'work', '--url', 'https://a.example.org', '--token', 'drv_1');
    const both = { ...env, DROVER_URL: 'https://b.example.org', DROVER_TOKEN: 'drv_b' };
    expect(await resolveTarget(both, undefined)).toMatchObject({ url: 'https://b.example.org', token: 'drv_b' });
    expect(await resolveTarget(both, 'work')).toMatchObject({ token: 'drv_1' });
  });

  it('what npm start writes is read here, and leaves a choice of yours alone', async () => {
    const env = freshEnv();
    // A plain script, which has no types to import.
    const { writeContext } = await import(new URL('../../infra/context.mjs', import.meta.url).href);
    writeContext('local', { url: 'http://localhost:8420', token: 'drv_1' }, env.DROVER_CONFIG);
    expect(await resolveTarget(env, undefined)).toEqual({ url: 'http://localhost:8420', token: 'drv_1', from: 'local' });
    expect(statSync(env.DROVER_CONFIG).mode & 0o777).toBe(0o600);
    await drover(env, 'context', 'add', 'work', '--url', 'https://a.example.org', '--token', 't', '--use');
    writeContext('local', { url: 'http://localhost:9000', token: 'drv_2' }, env.DROVER_CONFIG);
    expect(await resolveTarget(env, undefined)).toMatchObject({ from: 'work' });
    expect(await resolveTarget(env, 'local')).toMatchObject({ url: 'http://localhost:9000', token: 'drv_2' });
  });

  it('removing the current one leaves another current', async () => {
    const env = freshEnv();
    await drover(env, 'context', 'add', 'a', '--url', 'https://a.example.org', '--token', 't');
    await drover(env, 'context', 'add', 'b', '--url', 'https://b.example.org', '--token', 't');
    await drover(env, 'context', 'remove', 'a');
    expect(JSON.parse(readFileSync(env.DROVER_CONFIG, 'utf8'))).toMatchObject({ current: 'b' });
  });

  it.each(['ftp://x', 'drover', 'https://x/y', 'https://x?y=1'])('an address that is none is refused: %s', async (url) => {
    expect(await drover(freshEnv(), 'context', 'add', 'x', '--url', url, '--token', 't')).toMatchObject({
      code: 2,
      err: expect.stringContaining('--url'),
    });
  });

  it('says what there is when a context is not known', async () => {
    const env = freshEnv();
    await drover(env, 'context', 'add', 'work', '--url', 'https://a.example.org', '--token', 't');
    expect(await drover(env, '--context', 'wrk', 'guest', 'list')).toMatchObject({
      code: 3,
      err: 'there is no context "wrk"\nthere are: work\n',
    });
  });

  it('a file that is not ours is left as it is', async () => {
    const env = { DROVER_CONFIG: join(folder, 'broken.json') };
    writeFileSync(env.DROVER_CONFIG, '{"contexts": 7}');
    expect(await drover(env, 'context', 'add', 'x', '--url', 'https://x', '--token', 't')).toMatchObject({ code: 1 });
    expect(readFileSync(env.DROVER_CONFIG, 'utf8')).toBe('{"contexts": 7}');
  });
});
