import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCommand } from './commands/index.ts';
import { lockFolder } from './node/lock.ts';
import { settingsOf } from './node/settings.ts';
import { type ControlPlane, type NodeOptions, startControlPlane } from './node.ts';

let dataPath: string;
const running: ControlPlane[] = [];
beforeEach(() => {
  dataPath = mkdtempSync(join(tmpdir(), 'drover-node-'));
});
afterEach(async () => {
  for (const controlPlane of running.splice(0)) await controlPlane.close();
  rmSync(dataPath, { recursive: true });
});

async function start(over: Partial<NodeOptions> = {}): Promise<ControlPlane> {
  const started = await startControlPlane({
    dataPath,
    port: 0,
    host: '127.0.0.1',
    webPath: '/nowhere',
    version: '0.0.0',
    publicUrl: null,
    log: () => {},
    ...over,
  });
  running.push(started);
  return started;
}
async function stop(): Promise<void> {
  await running.pop()?.close();
}
const session = (controlPlane: ControlPlane, token: string) =>
  fetch(`${controlPlane.url.replace('localhost', '127.0.0.1')}/api/v1/session`, { headers: { authorization: `Bearer ${token}` } });

const bearer = ({ localToken }: ControlPlane) => ({ headers: { authorization: `Bearer ${localToken}` } });

describe('a control plane', () => {
  it('finds everything as it was when it starts again: owner, token, key', async () => {
    const first = await start();
    const key = readFileSync(join(dataPath, 'control-plane/signing-key.json'), 'utf8');
    const owner = await (await session(first, first.localToken)).json();
    expect(owner).toMatchObject({ user: { name: 'owner', roles: ['owner'] } });
    await stop();
    const second = await start();
    expect(second.localToken).toBe(first.localToken);
    expect((await (await session(second, first.localToken)).json()).user).toEqual(owner.user);
    expect(readFileSync(join(dataPath, 'control-plane/signing-key.json'), 'utf8')).toBe(key);
  });

  it('offers a sign-in link until an owner has used one', async () => {
    const first = await start();
    const token = new URL(first.firstOwnerLink ?? '').hash.replace('#token=', '');
    const url = first.url.replace('localhost', '127.0.0.1');
    const signIn = () =>
      fetch(`${url}/api/v1/session`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ token }) });
    expect((await signIn()).status).toBe(201);
    expect((await signIn()).status).toBe(401);
    await stop();
    expect((await start()).firstOwnerLink).toBeNull();
  });

  it('that listens on one address only is linked to there', async () => {
    const there = await start({ host: '127.0.0.2' });
    expect(there.url).toMatch(/^http:\/\/127\.0\.0\.2:\d+$/);
    expect(there.firstOwnerLink).toContain(`${there.url}/sign-in#`);
    expect((await session(there, there.localToken)).status).toBe(200);
    await stop();
    expect((await start({ host: '0.0.0.0' })).url).toMatch(/^http:\/\/localhost:/);
  });

  it('is the same with another key for its secrets, which is given to it while it does not run', async () => {
    const first = await start();
    const read = (name: string) => readFileSync(join(dataPath, 'control-plane', name), 'utf8');
    const before = ['vault-keys.json', 'signing-key.json', 'broker-secret'].map(read);
    const settings = settingsOf({ DROVER_DATA: dataPath }, { isRoot: false, home: dataPath });
    const rotate = () => runCommand(['vault', 'rotate'], settings, () => {});
    await expect(rotate()).rejects.toMatchObject({ code: 'busy' });
    const publicKey = await (await fetch(`${first.url.replace('localhost', '127.0.0.1')}/api/v1/signing-key`, bearer(first))).json();
    await stop();
    await rotate();
    const after = ['vault-keys.json', 'signing-key.json', 'broker-secret'].map(read);
    expect(after.filter((text) => before.includes(text))).toEqual([]);
    const second = await start();
    expect((await session(second, first.localToken)).status).toBe(200);
    expect(await (await fetch(`${second.url.replace('localhost', '127.0.0.1')}/api/v1/signing-key`, bearer(second))).json()).toEqual(
      publicKey,
    );
  });

  it('keeps its folder and its key to its owner, and refuses a key that others can read', async () => {
    await start();
    const key = join(dataPath, 'control-plane/signing-key.json');
    expect([statSync(join(dataPath, 'control-plane')).mode & 0o777, statSync(key).mode & 0o777]).toEqual([0o700, 0o600]);
    await stop();
    chmodSync(key, 0o644);
    await expect(start()).rejects.toMatchObject({ code: 'not-allowed' });
  });

  it('says plainly that its folder or its port is taken, and leaves nothing half started', async () => {
    const first = await start();
    const port = Number(new URL(first.url).port);
    await expect(start()).rejects.toMatchObject({ code: 'busy', message: expect.stringContaining('another control plane') });
    const elsewhere = mkdtempSync(join(tmpdir(), 'drover-node-'));
    await expect(start({ dataPath: elsewhere, port })).rejects.toMatchObject({
      code: 'busy',
      message: `port ${port} is in use by another program`,
    });
    await stop();
    await start({ dataPath: elsewhere, port });
    await stop();
    rmSync(elsewhere, { recursive: true });
  });

  it('says plainly that its folder cannot be made, where the kernel makes none', async () => {
    await expect(start({ dataPath: '/proc/drover' })).rejects.toMatchObject({
      code: 'not-allowed',
      message: 'the data folder /proc/drover/control-plane cannot be written (ENOENT)',
    });
  });
});

it('the lock of a data folder dies with its process, however that ends', async () => {
  const script = `
    const { createClient } = await import('@libsql/client');
    const client = createClient({ url: 'file:' + process.argv[1] + '/lock', concurrency: 1 });
    globalThis.held = await client.transaction('write');
    console.log('held');
    setInterval(() => {}, 1000);`;
  const holder = spawn(process.execPath, ['--input-type=module', '-e', script, dataPath], {
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: import.meta.dirname,
  });
  await once(holder.stdout, 'data');
  await expect(lockFolder(dataPath)).rejects.toMatchObject({ code: 'busy' });
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  (await lockFolder(dataPath))();
});
