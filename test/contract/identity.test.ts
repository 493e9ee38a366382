import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, realClock } from '@drover/shared/lib/clock';
import { realRandom } from '@drover/shared/lib/random';
import { Credentials } from '@drover/shared/protocol/agent-api';
import type { Command, Report } from '@drover/shared/protocol/message';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { realDisk } from '../../agent/src/host/disk.ts';
import { discardHostKey, enrol, type Identity, post, readIdentity, rotateHostKey } from '../../agent/src/identity.ts';
import { createMqttLink } from '../../agent/src/mqtt-link.ts';
import { openStore } from '../../control-plane/src/db/open.ts';
import { sealForHost } from '../../control-plane/src/host-sealing.ts';
import { readSealed } from '../../control-plane/src/node/sealed-file.ts';
import { openVaultOf } from '../../control-plane/src/node/vault-of-folder.ts';
import { type ControlPlane, startControlPlane } from '../../control-plane/src/node.ts';
import { anInventory } from '../control-plane/held.ts';

/** Who a host is and who its control plane is, over the real link: keys that change, hosts that are cut off, and time that passes. */

const DAY_MS = 24 * 3_600_000;
let folder: string;
let controlPlane: ControlPlane;
let url: string;
let ends: (() => Promise<unknown> | unknown)[];
/** How far the world has moved on; its clocks go on from there. */
let movedMs: number;
const clock: Clock = { ...realClock, now: () => realClock.now() + movedMs };
const WAIT = { timeout: 10_000, interval: 20 };

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'drover-identity-'));
  movedMs = 0;
  ends = [];
  await start();
});
afterEach(async () => {
  for (const end of ends.reverse()) await end();
  await controlPlane.close();
  rmSync(folder, { recursive: true });
});

async function start(): Promise<void> {
  const about = { dataPath: folder, port: 0, host: '127.0.0.1', webPath: '/nowhere', version: '0.1.0', publicUrl: null, log: () => {} };
  controlPlane = await startControlPlane({ ...about, clock });
  url = controlPlane.url.replace('localhost', '127.0.0.1');
}

const dataOf = (name: string): string => join(folder, name);
const enrolHost = async (name: string, token?: string): Promise<Identity> =>
  enrol({
    controlPlaneUrl: url,
    token: token ?? (await controlPlane.enrolmentToken()),
    dataPath: dataOf(name),
    hostname: name,
    disk: realDisk,
    nowMs: clock.now(),
  });
function identityOf(name: string): Identity {
  const identity = readIdentity(dataOf(name), realDisk);
  if (!identity) throw new Error(`${name} is not enrolled`);
  return identity;
}
async function connectAs(identity: Identity): Promise<Credentials> {
  const request = await identity.sign({ sub: identity.hostId, aud: 'drover-connect' }, clock.now());
  return Credentials.parse(await post(`${url}/agent/v1/connect`, { hostId: identity.hostId, request }));
}
async function api(path: string, method = 'GET', body?: object): Promise<ReturnType<typeof JSON.parse>> {
  const headers = { 'authorization': `Bearer ${controlPlane.localToken}`, 'content-type': 'application/json' };
  const response = await fetch(`${url}/api/v1/${path}`, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) });
  const answer = await response.json().catch(() => null);
  if (!response.ok) throw new Error(answer?.detail ?? `${response.status}`);
  return answer;
}

interface Agent {
  readonly commands: Command[];
  readonly sessions: string[];
  readonly downs: () => number;
  readonly logged: string[];
}
/** The agent's real link, and no more of an agent than that it says hello. */
function runLink(identity: Identity, linkClock: Clock = clock): Agent {
  const commands: Command[] = [];
  const sessions: string[] = [];
  const logged: string[] = [];
  let downs = 0;
  const link = createMqttLink({
    identity,
    controlPlaneUrl: url,
    clock: linkClock,
    random: realRandom,
    log: (line) => void logged.push(line),
  });
  ends.push(() => link.close());
  link.open({
    up(session) {
      sessions.push(session);
      const hello = { protocol: 1, inventory: anInventory(), journal: [] };
      const counts = { boot: 1, sequence: sessions.length, sentAtMs: linkClock.now() };
      const report: Report = { v: 1, host: identity.hostId, session, ...counts, statuses: [], log: [], hello };
      link.send({ do: 'report', report });
    },
    down() {
      downs += 1;
    },
    command: (command) => void commands.push(command),
    refused: () => {},
    reply: () => {},
  });
  return { commands, sessions, downs: () => downs, logged };
}

describe('an enrolment token', () => {
  it('is listed without itself, and lets nobody in once it was taken back', async () => {
    const { token } = await api('hosts/enrolments', 'POST', { name: 'fra-1' });
    const [listed] = (await api('hosts/enrolments')).items;
    expect(listed).toMatchObject({ name: 'fra-1', createdBy: 'owner', state: 'open', usedBy: null });
    expect(JSON.stringify(listed)).not.toContain(token);
    await api(`hosts/enrolments/${listed.id}`, 'DELETE');
    await expect(enrolHost('h1', token)).rejects.toThrow('not known');
  });

  it('lets nobody in after its hour, and says whom it let in before', async () => {
    const token = await controlPlane.enrolmentToken();
    movedMs += 3_600_001;
    await expect(enrolHost('h1', token)).rejects.toThrow('expired');
    await enrolHost('h2');
    expect((await api('hosts/enrolments')).items).toMatchObject([
      { state: 'used', usedBy: 'h2' },
      { state: 'expired', usedBy: null },
    ]);
  });
});

describe('a host', () => {
  it('that is revoked is cut off at once and heard no more, keeps its place, and comes back when it is admitted', async () => {
    const agent = runLink(await enrolHost('h1'));
    await vi.waitFor(() => expect(agent.commands).toHaveLength(2), WAIT);
    await api('hosts/h1/revoke', 'POST', {});
    await vi.waitFor(() => expect(agent.downs()).toBe(1), WAIT);
    expect(await api('hosts/h1')).toMatchObject({ connected: false, revokedAtMs: expect.any(Number) });
    await expect(connectAs(identityOf('h1'))).rejects.toThrow('cut off');
    await api('hosts/h1/admit', 'POST', {});
    await vi.waitFor(() => expect(agent.sessions).toHaveLength(2), WAIT);
    expect((await api('storages')).total).toBe(1);
  });

  it('that was forgotten never comes in by its old key, with whatever token, but does with a new one', async () => {
    const { hostId } = await enrolHost('h1');
    await api('hosts/h1', 'DELETE');
    await expect(enrolHost('h1')).rejects.toThrow('the key of the host h1, which was forgotten');
    discardHostKey(dataOf('h1'), realDisk, clock.now());
    expect((await enrolHost('h1')).hostId).not.toBe(hostId);
  });

  it('shows the fingerprints that the control plane shows', async () => {
    const identity = await enrolHost('h1');
    expect((await api('hosts/h1')).fingerprint).toBe(identity.fingerprint);
    expect((await api('signing-key')).fingerprint).toBe(identity.signerFingerprint);
  });

  it('gets a new key on the word of the old one, stays who it is, and the old key is good for nothing then', async () => {
    const before = await enrolHost('h1');
    const old = readFileSync(join(dataOf('h1'), 'identity.json'), 'utf8');
    const after = await rotateHostKey(dataOf('h1'), realDisk, clock.now());
    expect(after).toMatchObject({ hostId: before.hostId });
    expect((await api('hosts/h1')).fingerprint).toBe(after.fingerprint);
    await connectAs(after);
    realDisk.writeAtomically(join(dataOf('old'), 'identity.json'), old);
    await expect(connectAs(identityOf('old'))).rejects.toThrow('signature');
    expect(statSync(join(dataOf('h1'), 'identity.json')).mode & 0o077).toBe(0);
  });

  it('says as it connects what secrets are to be sealed to, and another key once it has changed its own', async () => {
    const sealed = async (context: string) => {
      const store = await openStore(join(folder, 'control-plane/drover.db'), () => 0);
      try {
        return await sealForHost(store.sealingKeys, identityOf('h1').hostId, 'a secret', context);
      } finally {
        store.close();
      }
    };
    await enrolHost('h1');
    runLink(identityOf('h1'));
    await vi.waitFor(async () => expect(await identityOf('h1').openSealed(await sealed('here'), 'here')).toBe('a secret'), WAIT);
    const old = await sealed('here');
    await rotateHostKey(dataOf('h1'), realDisk, clock.now());
    await expect(identityOf('h1').openSealed(old, 'here')).rejects.toThrow(/not sealed to the key of this host/);
    runLink(identityOf('h1'));
    await vi.waitFor(async () => expect(await identityOf('h1').openSealed(await sealed('here'), 'here')).toBe('a secret'), WAIT);
  });

  it('may change its key again when the answer was lost: the old one counts until the new one was used', async () => {
    await enrolHost('h1');
    const lost = readFileSync(join(dataOf('h1'), 'identity.json'), 'utf8');
    await rotateHostKey(dataOf('h1'), realDisk, clock.now());
    // As if it had died before it wrote down that it was heard.
    realDisk.writeAtomically(join(dataOf('h1'), 'host-key-next.json'), readFileSync(join(dataOf('h1'), 'host-key.json'), 'utf8'));
    realDisk.writeAtomically(join(dataOf('h1'), 'identity.json'), lost);
    await connectAs(identityOf('h1'));
    await connectAs(await rotateHostKey(dataOf('h1'), realDisk, clock.now()));
  });

  it('cannot give its key to another host, nor one that it does not hold', async () => {
    const [h1, h2] = [await enrolHost('h1'), await enrolHost('h2')];
    const { kty, crv, x } = JSON.parse(readFileSync(join(dataOf('h2'), 'host-key.json'), 'utf8'));
    const request = await h1.sign({ sub: h1.hostId, aud: 'drover-host-key', key: x }, clock.now());
    const proof = await h1.sign({ sub: h1.hostId, aud: 'drover-host-key' }, clock.now());
    const give = (over: object) => post(`${url}/agent/v1/key`, { hostId: h1.hostId, publicKey: { kty, crv, x }, request, proof, ...over });
    await expect(give({})).rejects.toThrow('signature');
    const other = await h2.sign({ sub: h2.hostId, aud: 'drover-host-key' }, clock.now());
    await expect(give({ proof: other })).rejects.toThrow('not for this key');
    await expect(give({ hostId: h2.hostId, proof: other })).rejects.toThrow('not for this key');
  });

  it('whose clock is a year off is connected all the same', async () => {
    const identity = await enrolHost('h1');
    const agent = runLink(identity, { ...clock, now: () => clock.now() - 365 * DAY_MS });
    await vi.waitFor(() => expect(agent.commands).toHaveLength(2), WAIT);
  });
});

describe('the signing key', () => {
  it('changes under a running agent, which learns of it by itself and takes its commands', async () => {
    const identity = await enrolHost('h1');
    const agent = runLink(identity);
    await vi.waitFor(() => expect(agent.commands).toHaveLength(2), WAIT);
    const before = identity.signerFingerprint;
    expect(await api('signing-key/rotate', 'POST', {})).toMatchObject({ rotations: 1 });
    await api('images', 'POST', { name: 'debian-13', form: 'container' });
    await vi.waitFor(() => expect(agent.commands.at(-1)?.resource.kind).toBe('image'), WAIT);
    expect((await api('signing-key')).fingerprint).toBe(identity.signerFingerprint);
    expect(identity.signerFingerprint).not.toBe(before);
    expect(identityOf('h1').signerFingerprint).toBe(identity.signerFingerprint);
  });

  it('changed twice while a host was away for thirty days: it comes back as if nothing had been', async () => {
    await enrolHost('h1');
    const credentials = await connectAs(identityOf('h1'));
    await controlPlane.close();
    await start();
    for (let time = 0; time < 2; time += 1) await api('signing-key/rotate', 'POST', {});
    movedMs += 30 * DAY_MS;
    expect(credentials.expiresAtMs).toBeLessThan(clock.now());
    const agent = runLink(identityOf('h1'));
    await vi.waitFor(() => expect(agent.commands).toHaveLength(2), WAIT);
  });

  it('lets nobody read its private half: there is none of it in any answer, and its file is its owner’s alone', async () => {
    await api('signing-key/rotate', 'POST', {});
    const path = join(folder, 'control-plane/signing-key.json');
    const vault = openVaultOf(join(folder, 'control-plane'), null, () => 0);
    const d = await readSealed(path, vault, (text) => z.object({ d: z.string().length(43) }).parse(JSON.parse(text)).d);
    const answers = await Promise.all(['signing-key', 'hosts', 'session', 'hosts/enrolments'].map((name) => api(name)));
    expect(JSON.stringify(answers)).not.toContain(d);
    expect(readFileSync(path, 'utf8')).not.toContain(d);
    expect(statSync(path).mode & 0o077).toBe(0);
  });
});
