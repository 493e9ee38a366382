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

const add = (env: Record<string, string>, token: string, ...words: string[]) =>
  drover({ ...env, DROVER_TOKEN: token }, 'context', 'add', ...words);

describe('contexts', () => {
  it('the first becomes the current one, and the file is for its owner only', async () => {
    const env = freshEnv();
    expect(await add(env, 'drv_1', 'work', '--url', 'https://drover.example.org/')).toMatchObject({
      code: 0,
    });
    expect(await add(env, 'drv_2', 'home', '--url', 'http://localhost:8420')).toMatchObject({ code: 0 });
    expect(statSync(env.DROVER_CONFIG).mode & 0o777).toBe(0o600);
    expect(await resolveTarget(env, undefined)).toEqual({ url: 'https://drover.example.org', token: 'drv_1', from: 'work' });
    expect(await resolveTarget(env, 'home')).toMatchObject({ token: 'drv_2' });
    await drover(env, 'context', 'use', 'home');
    const listed = await drover(env, 'context', 'list');
    expect(listed.out).toMatch(/^\*\s+home/m);
    expect(listed.out).not.toContain('drv_');
  });

  it('a token comes on standard input, in the environment, or is typed unseen; as an argument it is refused', async () => {
    const words = ['context', 'add', 'work', '--url', 'https://drover.example.org'];
    const given = async (options: Parameters<typeof capture>[0], ...more: string[]) => {
      const env = { ...freshEnv(), ...options?.env };
      const terminal = capture({ ...options, env });
      const code = await run([...words, ...more], terminal);
      return { code, token: code === 0 ? (await resolveTarget(env, 'work')).token : null, ...terminal.written };
    };
    expect(await given({ input: 'drv_in\nmore\n' }, '--token-stdin')).toMatchObject({ token: 'drv_in' });
    expect(await given({ env: { DROVER_TOKEN: 'drv_env' } })).toMatchObject({ token: 'drv_env' });
    expect(await given({ isInTty: true, answers: ['drv_typed'] })).toMatchObject({
      token: 'drv_typed',
      err: expect.stringContaining('Token: '),
    });
    expect(await given({})).toMatchObject({ code: 2, err: expect.stringMatching(/token is missing[\s\S]*--token-stdin/) });
    expect(await given({ input: '' }, '--token-stdin')).toMatchObject({ code: 2 });
    const refused = await given({}, '--token', 'drv_argument');
    expect(refused).toMatchObject({ code: 2, err: expect.stringMatching(/to everybody on this machine[\s\S]*--token-stdin/) });
    expect(refused.err).not.toContain('drv_argument');
  });

  it('the variables win over the current context, and --context over the variables', async () => {
    const env = freshEnv();
    await add(env, 'drv_1', 'work', '--url', 'https://a.example.org');
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
    await add(env, 't', 'work', '--url', 'https://a.example.org', '--use');
    writeContext('local', { url: 'http://localhost:9000', token: 'drv_2' }, env.DROVER_CONFIG);
    expect(await resolveTarget(env, undefined)).toMatchObject({ from: 'work' });
    expect(await resolveTarget(env, 'local')).toMatchObject({ url: 'http://localhost:9000', token: 'drv_2' });
  });

  it('removing the current one leaves another current', async () => {
    const env = freshEnv();
    await add(env, 't', 'a', '--url', 'https://a.example.org');
    await add(env, 't', 'b', '--url', 'https://b.example.org');
    await drover(env, 'context', 'remove', 'a');
    expect(JSON.parse(readFileSync(env.DROVER_CONFIG, 'utf8'))).toMatchObject({ current: 'b' });
  });

  it.each(['ftp://x', 'drover', 'https://x/y', 'https://x?y=1'])('an address that is none is refused: %s', async (url) => {
    expect(await add(freshEnv(), 't', 'x', '--url', url)).toMatchObject({
      code: 2,
      err: expect.stringContaining('--url'),
    });
  });

  it('says what there is when a context is not known', async () => {
    const env = freshEnv();
    await add(env, 't', 'work', '--url', 'https://a.example.org');
    expect(await drover(env, '--context', 'wrk', 'guest', 'list')).toMatchObject({
      code: 3,
      err: 'there is no context "wrk"\nthere are: work\n',
    });
  });

  it('a file that is not ours is left as it is', async () => {
    const env = { DROVER_CONFIG: join(folder, 'broken.json') };
    writeFileSync(env.DROVER_CONFIG, '{"contexts": 7}');
    expect(await add(env, 't', 'x', '--url', 'https://x')).toMatchObject({ code: 1 });
    expect(readFileSync(env.DROVER_CONFIG, 'utf8')).toBe('{"contexts": 7}');
  });
});
