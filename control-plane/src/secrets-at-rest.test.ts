import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ControlPlane, startControlPlane } from './node.ts';

/** Every secret that there is goes through a real control plane, and is then looked for in all that it has written, said and answered. */

let dataPath: string;
let controlPlane: ControlPlane;
let logged: string[];
let refusals: string[];
/** What no answer but the one that made it, and no file, may ever hold. */
let secrets: Map<string, string>;
let cookie: string;

beforeEach(async () => {
  dataPath = mkdtempSync(join(tmpdir(), 'drover-secrets-'));
  [logged, refusals, secrets, cookie] = [[], [], new Map(), ''];
  const [port, host, webPath, version, publicUrl] = [0, '127.0.0.1', '/nowhere', '0.0.0', null] as const;
  controlPlane = await startControlPlane({ dataPath, port, host, webPath, version, publicUrl, log: (line) => logged.push(line) });
});
afterEach(async () => {
  await controlPlane.close();
  rmSync(dataPath, { recursive: true });
});

type Json = ReturnType<typeof JSON.parse>;
/** `as`: a token; absent: the session. */
async function ask(method: string, path: string, body?: object, as?: string): Promise<{ status: number; json: Json; text: string }> {
  const headers = {
    'content-type': 'application/json',
    ...(as ? { authorization: `Bearer ${as}` } : { cookie, origin: new URL(controlPlane.url).origin }),
  };
  const response = await fetch(`${controlPlane.url}/api/v1${path}`, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) });
  const text = await response.text();
  if (!response.ok) refusals.push(text);
  const [set] = response.headers.getSetCookie();
  if (response.ok && set) cookie = set.split(';')[0] ?? '';
  return { status: response.status, json: text === '' ? null : JSON.parse(text), text };
}
async function done(...asked: Parameters<typeof ask>): Promise<Json> {
  const { status, json, text } = await ask(...asked);
  expect(status, `${asked[0]} ${asked[1]}: ${text}`).toBeLessThan(300);
  return json;
}
async function refused(...asked: Parameters<typeof ask>): Promise<void> {
  expect((await ask(...asked)).status, `${asked[0]} ${asked[1]}`).toBeGreaterThanOrEqual(400);
}

const PASSWORD = 'canary tractor violin 7319';
const BIND = 'canary-bind-password-4471';
const LDAP = {
  kind: 'ldap',
  name: 'office',
  servers: ['127.0.0.1:1'],
  mode: 'ldap',
  baseDn: 'dc=example',
  bindDn: 'cn=drover',
  secret: BIND,
};

async function useEverySecret(): Promise<void> {
  const link = new URL(controlPlane.firstOwnerLink ?? '').hash.replace('#token=', '');
  secrets.set('sign-in link', link);
  await done('POST', '/session', { token: link });
  secrets.set('session', cookie.split('=')[1] ?? '');
  secrets.set('password', PASSWORD);
  await done('POST', '/account/password', { password: PASSWORD });
  secrets.set('seed', (await done('POST', '/account/totp', {})).seed);
  const { token, secret } = await done('POST', '/tokens', { name: 'laptop' });
  secrets.set('API token', secret);
  await done('GET', '/session', undefined, secret);
  secrets.set('enrolment token', (await done('POST', '/hosts/enrolments', { name: 'fra-1' })).token);
  const another = new URL((await done('POST', '/users/owner/sign-in-link', {})).signInUrl).hash.replace('#token=', '');
  secrets.set('another sign-in link', another);
  secrets.set('bind password', BIND);
  await done('POST', '/directories', LDAP);
  await ask('POST', '/directories/office/test', {});
  await done('DELETE', `/tokens/${token.id}`);
}

/** Wrong use with right secrets, and right use with wrong ones. */
async function provokeRefusals(): Promise<void> {
  await refused('POST', '/session', { name: 'owner', password: `${PASSWORD}x` });
  await refused('POST', '/session', { name: 'somebody', password: PASSWORD, directory: 'office' });
  await refused('POST', '/session', { name: 'owner', password: PASSWORD, more: PASSWORD });
  await refused('POST', '/session', { token: secrets.get('sign-in link') });
  await refused('POST', '/account/password', { old: PASSWORD, password: [PASSWORD] });
  await refused('POST', '/directories', LDAP);
  await refused('POST', '/directories', { ...LDAP, name: 'second', secret: { text: BIND } });
  await refused('PATCH', '/directories/office', { settings: { nonsense: 1 }, secret: BIND });
  await refused('GET', '/session', undefined, secrets.get('API token'));
  await refused('GET', '/hosts', undefined, `${PASSWORD.replaceAll(' ', '-')}`);
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) =>
    entry.isFile() ? [join(entry.parentPath, entry.name)] : [],
  );
}
const namesOfSecretsIn = (text: string): string[] => [...secrets].filter(([, secret]) => text.includes(secret)).map(([name]) => name);

describe('a secret', () => {
  it('lies in no file of the control plane, open, while it runs or afterwards', async () => {
    await useEverySecret();
    await provokeRefusals();
    const look = () =>
      filesBelow(dataPath).flatMap((path) => namesOfSecretsIn(readFileSync(path, 'latin1')).map((name) => `${name}: ${path}`));
    expect(secrets.size).toBe(8);
    expect(look()).toEqual([]);
    await controlPlane.close();
    expect(look()).toEqual([]);
  });

  it('is in no line of the log, and in no answer that refuses', async () => {
    await useEverySecret();
    await provokeRefusals();
    expect(refusals.length).toBeGreaterThanOrEqual(10);
    expect(refusals.filter((text) => namesOfSecretsIn(text).length > 0)).toEqual([]);
    expect(logged.filter((line) => namesOfSecretsIn(line).length > 0)).toEqual([]);
  });

  it('is shown once, and by no answer afterwards', async () => {
    await useEverySecret();
    const paths = ['session', 'sessions', 'account', 'tokens', 'users', 'hosts/enrolments', 'directories', 'tasks', 'signing-key', 'cells'];
    const answers = await Promise.all(paths.map(async (path) => [path, await ask('GET', `/${path}`)] as const));
    expect(answers.filter(([, { status }]) => status !== 200).map(([path]) => path)).toEqual([]);
    expect(answers.flatMap(([path, { text }]) => namesOfSecretsIn(text).map((name) => `${name}: ${path}`))).toEqual([]);
  });
});
