import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type AppWorld, createAppWorld } from '../../../../test/control-plane/app-world.ts';
import { openSigner } from '../../node/signing-key.ts';
import { createVault } from '../../vault.ts';

const BYTES = Buffer.from('a package');
const ABOUT = {
  name: 'drover-agent_0.1.0_all.deb',
  version: '0.1.0',
  build: 'b'.repeat(12),
  sha256: 'a'.repeat(64),
  sizeBytes: BYTES.length,
};

let world: AppWorld;
beforeEach(async () => {
  world = await createAppWorld({ agentPackage: { about: ABOUT, bytes: async () => new Uint8Array(BYTES) } });
});
afterEach(() => world.close());

const sh = (script: string, ...args: string[]) => spawnSync('/bin/sh', ['-s', '--', ...args], { input: script, encoding: 'utf8' });
const script = async () => (await world.ask('GET', '/install.sh', { as: null })).text;

it('the script is one that a shell can read, and says where it came from and what it will install', async () => {
  const text = await script();
  expect(spawnSync('/bin/sh', ['-n'], { input: text, encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
  expect(text).toContain('\nurl=http://drover.test:8420\n');
  expect(text).toContain(`\nsha256=${ABOUT.sha256}\n`);
});

it('it does nothing when it comes only in part, without a token, or with a word that it does not know', async () => {
  const text = await script();
  expect(sh(text.slice(0, text.lastIndexOf('main "$@"')))).toMatchObject({ status: 0, stdout: '', stderr: '' });
  expect(sh(text)).toMatchObject({ status: 1, stdout: '', stderr: expect.stringContaining('the token is missing') });
  expect(sh(text, '--tokn', 'x')).toMatchObject({ status: 1, stdout: '', stderr: expect.stringContaining('what is --tokn?') });
});

it('it tries the token as JSON, with the key that the machine has already', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'drover-install-'));
  const functions = (await script()).replace('main "$@"', '').replace('data=/var/lib/drover/agent', `data=${folder}`);
  // In curl's place, one that repeats what it was given, and then answers.
  const tried = (answer: string) =>
    sh(`${functions}\ntoken=abc\ncurl() { cat; printf '%s' '${answer}'; }\ncheck_token\necho "known: $known"`).stdout;
  expect(tried('\n500')).toContain('could not be tried: {"token":"abc"}');
  const key = { kty: 'OKP', crv: 'Ed25519', x: 'x'.repeat(43) };
  writeFileSync(join(folder, 'host-key.json'), JSON.stringify({ ...key, d: 'secret' }));
  expect(tried('\n500')).toContain(`could not be tried: ${JSON.stringify({ token: 'abc', publicKey: key })}`);
  expect(tried('{"host":"fra-1","name":null}\n200')).toBe('  ok    the token\nknown: fra-1\n');
  expect(tried('{"detail":"it was used","suggestion":"get another"}\n410')).toBe('  NO    it was used: get another\nknown: \n');
  rmSync(folder, { recursive: true });
});

it('it believes only the signature of its control plane, over the digest of this package', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'drover-install-'));
  const agentPackage = { about: ABOUT, bytes: async () => new Uint8Array(BYTES) };
  const vault = createVault(() => [{ id: 'a'.repeat(16), bytes: new Uint8Array(32) }]);
  const signing = async (name: string) => createAppWorld({ agentPackage, signer: await openSigner(join(folder, name), () => 0, vault) });
  const [ours, other] = [await signing('ours'), await signing('other')];
  const given = async (from: AppWorld, path: string) => (await from.ask('GET', path, { as: null })).text;
  const check = (text: string, release: string) => {
    writeFileSync(join(folder, 'release'), release);
    const end = `work=${folder}\nfetch() { cat ${folder}/release; }\ncheck_signature`;
    return sh(`${text.replace('main "$@"', '')}\n${end}`).status;
  };
  const [text, release] = [await given(ours, '/install.sh'), await given(ours, '/agent/v1/release')];
  expect(check(text, release)).toBe(0);
  expect(check(text.replace(ABOUT.sha256, 'c'.repeat(64)), release)).toBe(1);
  expect(check(await given(other, '/install.sh'), release)).toBe(1);
  for (const broken of ['', '{"jws":"a.b.c"}', release.replace(/\.[^."]{4}/, '.AAAA')]) expect(check(text, broken)).toBe(1);
  await Promise.all([ours.close(), other.close()]);
  rmSync(folder, { recursive: true });
});

it('the package is given whole, under its name, with its digest', async () => {
  const answer = await world.ask('GET', '/agent/v1/drover-agent.deb', { as: null });
  expect(answer.text).toBe('a package');
  expect(answer.headers.get('etag')).toBe(`"${ABOUT.sha256}"`);
  expect(answer.headers.get('content-disposition')).toContain(ABOUT.name);
});

it('where no package was built, that is said', async () => {
  const without = await createAppWorld();
  const answer = await without.ask('GET', '/install.sh', { as: null });
  expect(answer.json).toMatchObject({ status: 404, detail: expect.stringContaining('built without') });
  await without.close();
});
