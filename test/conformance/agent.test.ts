import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { launch, type RunningProcess } from '../system/process.ts';
import { WireControlPlane } from './wire-control-plane.ts';
import { digestOf, fingerprintOf, type Json, keyIdOf, makeKey, WAIT } from './wire-host.ts';
import { ROOT, schema } from './wire-world.ts';

/** The real agent, as a process with simulated drivers, against a control plane that is written from docs/protocol.md alone. The numbers are its clauses. */

let folder: string;
let cp: WireControlPlane;
let agent: RunningProcess;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'drover-conformance-'));
  cp = await WireControlPlane.start();
});
afterEach(async () => {
  await agent.end('SIGKILL');
  await cp.close();
  rmSync(folder, { recursive: true });
});

function start(): void {
  const args = ['--url', cp.url, '--token', 'a-token-of-sixteen', '--name', 'wire', '--data', folder];
  agent = launch([join(ROOT, 'infra/run.mjs'), 'test/simulation/dev-host.ts', ...args], {}, ROOT);
}
const introduced = (report: Json): boolean => report.hello !== undefined;
/** Started and introduced. */
async function started(): Promise<Json> {
  start();
  return cp.report(introduced);
}
const storage = (id: string, over: object = {}): object => ({
  kind: 'storage',
  id: `storage_${id.padEnd(20, '0')}`,
  spec: { name: 'local', driver: 'directory', config: { path: `/simulated/${id}` } },
  ...over,
});
const idOf = (resource: Json): string => resource.id;
const guest = (power: string, over: object = {}): object => ({
  kind: 'guest',
  id: '107',
  spec: {
    ...{ type: 'vm', name: 'web', power, powerRequest: 1, startAtBoot: false, memoryBytes: 2 ** 28, cores: 1, notes: '', tags: [] },
    ...{ sshKeys: [], nics: [], firmware: 'bios', cdromImageId: null },
    disks: [{ name: 'root', storageId: idOf(storage('a')), sizeBytes: 2 ** 28, imageId: null }],
  },
  ...over,
});

describe('identity', () => {
  it('2.2 prints the fingerprints of both keys when it enrols', async () => {
    const data = join(folder, 'cli');
    const run = [join(ROOT, 'infra/run.mjs'), 'agent/src/main.ts', 'enrol'];
    agent = launch([...run, '--url', cp.url, '--token', 'a-token-of-sixteen', '--data', data, '--instance', 'cf'], {}, ROOT);
    expect(await agent.ended).toBe(0);
    expect(agent.output()).toContain(fingerprintOf(cp.signer.publicJwk.x));
    expect(agent.output()).toContain(fingerprintOf(cp.requests[0]?.body.publicKey.x));
  });

  it('2.4 shows the same key again when the answer was lost', async () => {
    cp.failures = 1;
    start();
    await agent.ended;
    expect(existsSync(join(folder, 'wire/host-key.json'))).toBe(true);
    await started();
    const keys = cp.requests.filter(({ path }) => path.endsWith('/enrol')).map(({ body }) => body.publicKey.x);
    expect(keys).toEqual([keys[0], keys[0]]);
    for (const { body } of cp.requests) schema(body.token ? 'enrol-request' : 'connect-request').parse(body);
    expect(JSON.stringify(cp.requests)).not.toContain(JSON.parse(readFileSync(join(folder, 'wire/host-key.json'), 'utf8')).d);
  });

  it('2.8 goes by the clock of the control plane, which says the time even as it refuses', async () => {
    cp.aheadMs = 400 * 86_400_000;
    await started();
    await cp.send(cp.command(storage('a')));
    await cp.status('storage', idOf(storage('a')), ({ acked }) => acked === 1);
  });

  it('2.16 tells each time the key that secrets are sealed to, and it stays the same', async () => {
    await started();
    await cp.rotate();
    await cp.send(cp.command(storage('a')));
    await vi.waitFor(() => expect(cp.connections).toBe(2), WAIT);
    const told = cp.requests.filter(({ path }) => path === '/agent/v1/connect').map(({ claims }) => claims.sealingKey);
    expect(told[0]).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(told).toEqual(told.map(() => told[0]));
    expect(told.length).toBeGreaterThan(1);
  });

  it('2.11, 2.12 fetches credentials anew for a key that it does not know, and follows the chain', async () => {
    await started();
    await cp.rotate();
    await cp.rotate();
    const { length } = cp.reports;
    await cp.send(cp.command(storage('a')));
    await vi.waitFor(() => expect(cp.connections).toBe(2), WAIT);
    await cp.report(introduced, length);
    await cp.send(cp.command(storage('a')));
    await cp.status('storage', idOf(storage('a')), ({ acked }) => acked === 1);
    expect(JSON.parse(readFileSync(join(folder, 'wire/identity.json'), 'utf8')).signingKeys).toEqual([cp.signer.publicJwk]);
    const stranger = makeKey();
    await cp.send(cp.command(storage('b')), stranger);
    await agent.untilSays(/not signed by a known key/);
    expect(cp.connections).toBe(2);
  });
});

describe('sessions', () => {
  it('3.2 leaves with its session on its lips, and a new one begins with each connection', async () => {
    const first = await started();
    cp.dropAll();
    const second = await cp.report((report) => introduced(report) && report.session !== first.session);
    expect(cp.gone.map(({ session }) => session)).toContain(first.session);
    agent.end('SIGTERM');
    await vi.waitFor(() => expect(cp.gone.map(({ session }) => session)).toContain(second.session), WAIT);
    for (const gone of cp.gone) schema('gone').parse(gone);
  });

  it('3.3, 4.6 begins with who it is and what it holds', async () => {
    const hello = await started();
    schema('report').parse(hello);
    expect(hello.hello).toMatchObject({ protocol: 1, journal: [], run: expect.any(String) });
    const command = cp.command(storage('a'));
    await cp.send(command);
    await cp.status('storage', idOf(storage('a')), ({ applied }) => applied === 1);
    const { length } = cp.reports;
    cp.dropAll();
    const { spec, deletion } = command.resource;
    const entry = { kind: 'storage', id: idOf(storage('a')), generation: 1, digest: digestOf({ spec, deletion }) };
    expect((await cp.report(introduced, length)).hello).toMatchObject({ journal: [entry], counter: command.counter, run: hello.hello.run });
  });

  it('4.12 says what it is made of to who asks, and to nobody else', async () => {
    cp.answers = false;
    const first = await started();
    expect(first.hello.inventory.hardwareDigest).toMatch(/./);
    expect(first).not.toHaveProperty('hardware');
    cp.reply(first, { hardwareWanted: true });
    const said = await cp.report(({ hardware }) => hardware);
    expect(said.hardware.digest).toBe(first.hello.inventory.hardwareDigest);
    // Nobody has acknowledged it.
    const again = await cp.report(({ hardware, sequence }) => hardware && sequence > said.sequence);
    for (const report of [said, again]) schema('report').parse(report);
    expect(again).not.toHaveProperty('hello');
  });

  it('4.13 tells how it is doing with what it says anyway, once', async () => {
    await started();
    const told = await cp.report(({ figures }) => figures);
    schema('report').parse(told);
    expect(told.figures.atMs).toBeLessThanOrEqual(told.sentAtMs);
    cp.answers = false;
    await cp.report(({ sequence }) => sequence > told.sequence + 1);
    expect(cp.reports.filter(({ figures }) => figures)).toEqual([told]);
  });

  it('3.3 introduces itself again when it is asked to', async () => {
    const first = await started();
    const { length } = cp.reports;
    cp.reply(first, { helloWanted: true });
    await cp.report(introduced, length);
  });

  it('3.4 says something every ten seconds', async () => {
    const { sentAtMs } = await started();
    const next = await cp.report((report) => report.sentAtMs > sentAtMs + 5_000);
    expect(next.sentAtMs - sentAtMs).toBeLessThan(20_000);
  });
});

describe('reports', () => {
  it('4.4, 4.5 says what was not acknowledged again, one report at a time, with the newest of each', async () => {
    cp.answers = false;
    const first = await started();
    await cp.send(cp.command(storage('a')));
    const again = await cp.report(({ sequence }) => sequence > first.sequence);
    expect(again.sentAtMs - first.sentAtMs).toBeGreaterThanOrEqual(2_900);
    expect(introduced(again)).toBe(true);
    cp.answers = true;
    cp.reply(again);
    await cp.status('storage', idOf(storage('a')), ({ applied }) => applied === 1);
    const counts = cp.reports.map(({ sequence }) => sequence);
    expect(new Set(counts).size).toBe(counts.length);
    for (const report of cp.reports) schema('report').parse(report);
  });

  it('4.8 steps above what was seen, and forgets its wishes, when that is signed, and only then', async () => {
    const first = await started();
    await cp.send(cp.command(storage('a')));
    await cp.status('storage', idOf(storage('a')), ({ applied }) => applied === 1);
    const about = { v: 1, boot: first.boot, sequence: cp.reports.at(-1)?.sequence, helloWanted: true, atMs: Date.now(), lastBoot: 7 };
    let { length } = cp.reports;
    cp.say('down/reply', JSON.stringify(about));
    expect(await cp.report(introduced, length)).toMatchObject({ boot: first.boot, hello: { journal: [{ kind: 'storage' }] } });
    length = cp.reports.length;
    const sequence = cp.reports.at(-1)?.sequence;
    cp.say('down/reply', await cp.sign({ ...about, sequence, host: cp.hostId, expiresAtMs: Date.now() + 60_000 }));
    expect(await cp.report((report) => report.boot === 8, length)).toMatchObject({ hello: { protocol: 1, journal: [] } });
  });
});

describe('commands', () => {
  it('2.6, 5.2 counts only when a pinned key has signed it, for this host, and not too long ago', async () => {
    await started();
    const resource = storage('a');
    const thief = makeKey();
    const { length } = cp.reports;
    // Whose name it does not know it asks about first.
    await cp.send(cp.command(resource), thief);
    await cp.report(introduced, length);
    cp.say('down/command', await thief.sign(cp.command(resource), { kid: keyIdOf(cp.signer.publicJwk) }));
    await cp.send(cp.command(resource, { host: 'host_ffffffffffffffffffff' }));
    await cp.send(cp.command({ ...resource, hostId: 'host_ffffffffffffffffffff' }));
    await cp.send(cp.command(resource, { expiresAtMs: Date.now() - 1_000 }));
    cp.say('down/command', JSON.stringify(cp.command(resource)));
    await cp.send(cp.command(storage('b')));
    await cp.status('storage', idOf(storage('b')), ({ applied }) => applied === 1);
    expect(cp.reports.flatMap(({ statuses }) => statuses).filter(({ id }) => id === idOf(resource))).toEqual([]);
  });

  it('5.3 an older generation changes nothing, and another content of the same is refused', async () => {
    await started();
    const id = idOf(storage('a'));
    const named = (name: string, generation: number) =>
      cp.command({ ...storage('a'), generation, spec: { name, driver: 'directory', config: { path: '/simulated/a' } } });
    await cp.send(named('two', 2));
    const { digest } = await cp.status('storage', id, ({ applied }) => applied === 2);
    await cp.send(named('one', 1));
    await cp.send(named('other', 2));
    await agent.untilSays(/generation 2 came with another content/);
    const { length } = cp.reports;
    await cp.send(named('three', 3));
    await cp.status('storage', id, ({ applied }) => applied === 3, length);
    const seen = cp.reports.flatMap(({ statuses }) => statuses).filter((status) => status.id === id && status.acked === 2);
    expect(new Set(seen.map((status) => status.digest))).toEqual(new Set([digest]));
  });

  it('5.3 what it has acknowledged it still holds after it was killed', async () => {
    await started();
    await cp.send(cp.command(storage('a')));
    await cp.status('storage', idOf(storage('a')), ({ acked }) => acked === 1);
    await agent.end('SIGKILL');
    const { length } = cp.reports;
    start();
    const { hello, boot } = await cp.report(introduced, length);
    expect(hello.journal).toMatchObject([{ kind: 'storage', id: idOf(storage('a')), generation: 1 }]);
    expect(boot).toBe(2);
  });

  it('5.4 one of an earlier connection that is played back is refused, also of what the journal does not hold', async () => {
    await started();
    cp.answers = true;
    const withheld = await cp.sign(cp.command(storage('b')));
    await cp.send(cp.command(storage('a')));
    await cp.status('storage', idOf(storage('a')), ({ applied }) => applied === 1);
    const { length } = cp.reports;
    cp.dropAll();
    await cp.report(introduced, length);
    cp.say('down/command', withheld);
    await agent.untilSays(/sent before one of an earlier connection/);
    await cp.send(cp.command(storage('b')));
    await cp.status('storage', idOf(storage('b')), ({ applied }) => applied === 1);
  });

  it('5.6 a tombstone is answered when nothing is left, also of what never was', async () => {
    await started();
    const deletion = { requestedAtMs: Date.now(), destroys: [] };
    await cp.send(cp.command(storage('a')));
    await cp.status('storage', idOf(storage('a')), ({ applied }) => applied === 1);
    await cp.send(cp.command({ ...storage('a'), generation: 2, deletion }));
    await cp.send(cp.command({ ...storage('never'), generation: 4, deletion }));
    for (const [id, acked] of [
      [idOf(storage('a')), 2],
      [idOf(storage('never')), 4],
    ] as const)
      expect(await cp.status('storage', id, ({ gone }) => gone)).toMatchObject({ acked });
  });

  it('5.7 a task that comes again is not carried out again, and ends in the same words', async () => {
    await started();
    await cp.send(cp.command(storage('a')));
    await cp.send(cp.command(guest('running')));
    await cp.status('guest', '107', ({ observed }) => observed.power === 'running');
    const spec = { do: 'guest.reboot', guestId: 107, force: true, cancelled: false };
    const task = { kind: 'task', id: 'task_aaaaaaaaaaaaaaaaaaaa', spec };
    const isOver = ({ observed }: Json): boolean => observed.state === 'done';
    await cp.send(cp.command(task));
    const first = await cp.status('task', task.id, isOver);
    const { length } = cp.reports;
    await cp.send(cp.command(task));
    expect((await cp.status('task', task.id, isOver, length)).observed).toEqual(first.observed);
  });

  it('5.8 what it does not understand it refuses by name, and what runs is kept', async () => {
    await started();
    await cp.send(cp.command(storage('a')));
    await cp.send(cp.command(guest('running')));
    const { observed } = await cp.status('guest', '107', (status) => status.observed.power === 'running');
    cp.answers = false;
    const { length } = cp.reports;
    await cp.send(cp.command(guest('off', { generation: 2 }), { dryRun: true }));
    await cp.send(cp.command({ kind: 'firewall', id: 'fw1', spec: {} }));
    const isRefused = ({ refused = [] }: Json): boolean => refused.length === 2;
    const refusing = await cp.report(isRefused, length);
    expect(refusing.refused).toMatchObject([
      { kind: 'guest', id: '107', generation: 2, problem: { code: 'unsupported' } },
      { kind: 'firewall', id: 'fw1', generation: 1, problem: { code: 'unsupported' } },
    ]);
    await cp.report(({ sequence, ...report }) => sequence > refusing.sequence && isRefused(report), length);
    cp.answers = true;
    const { spec } = guest('running') as { spec: object };
    await cp.send(cp.command(guest('running', { generation: 3, spec: { ...spec, colour: 'red' } })));
    expect(await cp.status('guest', '107', ({ condition }) => condition === 'unsupported')).toMatchObject({ acked: 3, applied: 1 });
    await cp.send(cp.command(guest('running', { generation: 4 })));
    expect((await cp.status('guest', '107', ({ applied }) => applied === 4)).observed.startedAtMs).toBe(observed.startedAtMs);
  });
});

describe('a hostile broker', () => {
  it('1.5 is hung up on when it announces too much', async () => {
    await started();
    cp.sayRaw(Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f]));
    await vi.waitFor(() => expect(cp.connections).toBe(2), WAIT);
    expect(agent.isRunning()).toBe(true);
  });

  it('8.1 whatever it says, the agent goes on, and says little of it', async () => {
    await started();
    const before = agent.output().length;
    const bytes = [
      Buffer.from([0xff, 0xfe]),
      Buffer.alloc(131_072, 0x5b),
      Buffer.alloc(200_000, 0x20),
      Buffer.from('a.b.c'),
      Buffer.from('{"v":1}'),
    ];
    for (let time = 0; time < 20; time += 1)
      for (const leaf of ['down/command', 'down/reply', 'down/else', 'down/a/b/c']) for (const each of bytes) cp.say(leaf, each);
    await cp.send(cp.command(storage('a')));
    await cp.status('storage', idOf(storage('a')), ({ applied }) => applied === 1);
    expect(agent.output().slice(before).split('\n').length).toBeLessThan(20);
    const { length } = cp.reports;
    cp.sayRaw(Buffer.from([0x00, 0x00, 0xf0, 0x01, 0x99]));
    await cp.report(introduced, length);
  });
});
