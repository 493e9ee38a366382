import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { digestOf, INVENTORY, type Json, makeKey, settled, WAIT } from './wire-host.ts';
import { schema, startWireWorld, type WireWorld } from './wire-world.ts';

/** Reports, commands and bytes, against the real control plane from the wire alone. The numbers are clauses of docs/protocol.md. */

let world: WireWorld;
beforeAll(async () => {
  world = await startWireWorld();
});
afterAll(() => world.close());
afterEach(() => world.tidyUp());

const about = (kind: string) => (command: Json) => command.resource.kind === kind;

describe('reports', () => {
  it('4.2 what is not above the newest is dropped, and answered all the same', async () => {
    const { host, wire } = await world.ready();
    const [storage] = wire.commands;
    wire.report(1, 9, { statuses: [settled(storage, { condition: 'needs-attention' })] });
    await wire.reply(1, 9);
    wire.report(1, 8, { statuses: [settled(storage)] });
    await wire.reply(1, 8);
    expect(await world.placedOn(host, 'storages')).toMatchObject([{ condition: 'needs-attention' }]);
  });

  it('4.3 a reply comes when what was said is written', async () => {
    const { host, wire } = await world.ready();
    await world.makeImage(host);
    wire.report(1, 3, { statuses: [settled(await wire.command(about('image')))] });
    expect(await wire.reply(1, 3)).toMatchObject({ v: 1, boot: 1, sequence: 3 });
    expect(await world.placedOn(host, 'images')).toMatchObject([{ appliedGeneration: 1, condition: 'settled' }]);
  });

  it('4.6, 4.7 a journal that lacks something is sent it again, and one of another history is overruled', async () => {
    const { wire } = await world.ready();
    const [storage, network] = [...wire.commands];
    const entry = (command: Json, over: object = {}) => {
      const { kind, id, generation, spec, deletion } = command.resource;
      return { kind, id, generation, digest: digestOf({ spec, deletion }), ...over };
    };
    wire.commands.splice(0);
    wire.hello(1, 3, {}, { journal: [entry(storage)] });
    await wire.reply(1, 3);
    await wire.command((command) => command.resource.id === network.resource.id && command.resource.generation === 1);
    wire.hello(1, 4, {}, { journal: [entry(storage, { generation: 41 }), entry(network, { digest: 'another' })] });
    await wire.command((command) => command.resource.id === storage.resource.id && command.resource.generation === 42);
    await wire.command((command) => command.resource.id === network.resource.id && command.resource.generation === 2);
    expect(wire.commands.filter((command) => command.resource.id === storage.resource.id && command.resource.generation < 42)).toEqual([]);
  });

  it('4.6 a journal that is cut says nothing by absence', async () => {
    const { wire } = await world.ready();
    wire.commands.splice(0);
    wire.hello(1, 3, {}, { journal: [], journalIsCut: true });
    await wire.reply(1, 3);
    wire.report(1, 4);
    await wire.reply(1, 4);
    expect(wire.commands).toEqual([]);
  });

  it('4.8 who counts from too low is told in signed words', async () => {
    const { host, wire } = await world.ready();
    wire.hello(7, 1);
    await wire.reply(7, 1);
    await wire.end();
    const restored = await world.session(host);
    restored.hello(2, 1);
    const reply = await restored.reply(2, 1);
    expect(reply).toMatchObject({ helloWanted: true, lastBoot: 7, host: host.id });
    expect(reply.expiresAtMs).toBeGreaterThan(Date.now());
    expect(restored.rawReplies[0]).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
    restored.hello(8, 1);
    expect(await restored.reply(8, 1)).toMatchObject({ helloWanted: false });
  });

  it('4.9 what is not understood is left out, and the rest is taken', async () => {
    const { host, wire } = await world.ready();
    const [storage, network] = wire.commands;
    const strange = [{ ...settled(network), condition: 'dreaming' }, { kind: 'firewall', id: 'f' }, 7];
    wire.report(1, 3, { mood: 'good', statuses: [...strange, { ...settled(storage, { condition: 'needs-attention' }), colour: 'red' }] });
    await wire.reply(1, 3);
    expect(await world.placedOn(host, 'storages')).toMatchObject([{ condition: 'needs-attention' }]);
    expect(await world.placedOn(host, 'networks')).toMatchObject([{ condition: 'settled' }]);
  });

  it('4.10 what nobody wished for is listed', async () => {
    const { host, wire } = await world.ready();
    wire.report(1, 3, { statuses: [{ kind: 'guest', id: '4711', acked: 0, applied: 0, condition: 'settled' }] });
    await wire.reply(1, 3);
    expect((await world.hostView(host)).orphans).toEqual([{ kind: 'guest', id: '4711' }]);
  });

  it('4.12 asks what a host is made of while it does not know, and takes no more than it understands', async () => {
    const { host, wire } = await world.ready();
    const introduce = async (sequence: number, hardwareDigest: string) => {
      wire.hello(1, sequence, {}, { inventory: { ...INVENTORY, hardwareDigest } });
      return wire.reply(1, sequence);
    };
    expect(await introduce(3, 'd1')).toMatchObject({ hardwareWanted: true, helloWanted: false });
    const disk = { name: 'sda', sizeBytes: 5, health: { state: 'good' }, colour: 'red' };
    wire.report(1, 4, { hardware: { digest: 'd1', disks: [disk], cut: ['pci'] } });
    expect(await wire.reply(1, 4)).not.toHaveProperty('hardwareWanted');
    expect(await introduce(5, 'd1')).not.toHaveProperty('hardwareWanted');
    expect(await introduce(6, 'd2')).toMatchObject({ hardwareWanted: true });
    const known = await world.api('GET', `/hosts/${host.id}/hardware`);
    expect(known).toMatchObject({ isKnown: true, disks: [{ name: 'sda', usedBy: [] }], cut: ['pci'] });
    expect(known.disks[0]).not.toHaveProperty('colour');
  });

  it('3.6 a hello in the middle of a session says anew what the host is', async () => {
    const { host, wire } = await world.ready();
    const journal = wire.commands.map(({ resource: { kind, id, generation, spec, deletion } }) => ({
      kind,
      id,
      generation,
      digest: digestOf({ spec, deletion }),
    }));
    wire.hello(1, 3, {}, { journal, inventory: { ...INVENTORY, addresses: ['192.0.2.77'] } });
    await wire.reply(1, 3);
    expect(await world.hostView(host)).toMatchObject({ addresses: ['192.0.2.77'], connected: true });
    expect(wire.commands).toHaveLength(2);
  });

  it('4.13, 4.14 keeps the newest figures as old as they are, and a report that has strange ones', async () => {
    const { host, wire } = await world.ready();
    const told = () => world.api('GET', `/hosts/${host.id}/figures`);
    expect(await told()).toMatchObject({ atMs: null, figures: null });
    wire.report(1, 3, { figures: { atMs: Date.now() - 5_000, host: { cpu: 0.25, mood: 'good' }, guests: [{ id: 100, cpu: 1.5 }] } });
    await wire.reply(1, 3);
    await vi.waitFor(async () => expect(await told()).toMatchObject({ figures: { cpu: 0.25 }, guests: [{ id: 100, cpu: 1.5 }] }), WAIT);
    expect((await told()).ageMs).toBeGreaterThanOrEqual(5_000);
    const [storage] = wire.commands;
    wire.report(1, 4, { figures: { atMs: 'now' }, hardware: 7, statuses: [settled(storage, { condition: 'needs-attention' })] });
    await wire.reply(1, 4);
    expect(await world.placedOn(host, 'storages')).toMatchObject([{ condition: 'needs-attention' }]);
  });

  it('4.11 one host says nothing for another', async () => {
    const [victim, thief] = [await world.ready(), await world.ready()];
    const [storage] = victim.wire.commands;
    thief.wire.report(1, 3, { statuses: [settled(storage, { condition: 'needs-attention' })] });
    await thief.wire.reply(1, 3);
    thief.wire.report(1, 4, { host: victim.host.id, statuses: [settled(storage, { condition: 'needs-attention' })] });
    thief.wire.report(1, 5);
    await thief.wire.reply(1, 5);
    expect(await world.placedOn(victim.host, 'storages')).toMatchObject([{ condition: 'settled' }]);
  });
});

describe('commands', () => {
  it('5.1, 5.2 are signed, for one host, and expire', async () => {
    const { host, wire } = await world.ready();
    const [command] = wire.commands;
    const { kid, ...said } = command;
    schema('command').parse(said);
    expect(said).toMatchObject({ v: 1, host: host.id, resource: { hostId: host.id, generation: 1, deletion: null } });
    expect(said.expiresAtMs - said.issuedAtMs).toBe(300_000);
    expect(kid).toMatch(/^[0-9a-f]{16}$/);
  });

  it('5.4, 5.5 come again until they are acknowledged, each with a higher counter', async () => {
    const host = await world.enrolled();
    const wire = await world.session(host);
    wire.hello(1, 1, {}, { counter: 2 ** 45 });
    await vi.waitFor(() => expect(wire.commands.length).toBeGreaterThanOrEqual(4), { timeout: 30_000, interval: 50 });
    const counters = wire.commands.map(({ counter }) => counter);
    expect(Math.min(...counters)).toBeGreaterThan(2 ** 45);
    expect(new Set(counters).size).toBe(counters.length);
    const ids = wire.commands.map((command) => command.resource.id);
    expect(ids.slice(0, 2).sort()).toEqual(ids.slice(2, 4).sort());
  });

  it('5.6 a tombstone that was carried out is the end of it', async () => {
    const { host, wire } = await world.ready();
    const { resource } = await world.makeImage(host);
    wire.report(1, 3, { statuses: [settled(await wire.command(about('image')))] });
    await wire.reply(1, 3);
    await world.api('DELETE', `/images/${resource.id}`);
    const tombstone = await wire.command((command) => command.resource.deletion !== null);
    expect(tombstone.resource).toMatchObject({ id: resource.id, generation: 2, deletion: { destroys: ['files'] } });
    wire.report(1, 4, { statuses: [settled(tombstone)] });
    await wire.reply(1, 4);
    expect(await world.placedOn(host, 'images')).toEqual([]);
  });

  it('5.8 one that was refused fails what waits for it, and is not sent again', async () => {
    const { host, wire } = await world.ready();
    const { task } = await world.makeImage(host);
    const { kind, id, generation } = (await wire.command(about('image'))).resource;
    const problem = { code: 'unsupported', status: 422, title: 'unsupported', detail: 'what is that?', retryable: false };
    wire.report(1, 3, {
      refused: [
        { kind, id, generation, problem },
        { kind: 'dream', id: 'd', generation: 1, problem },
      ],
    });
    await wire.reply(1, 3);
    expect(await world.api('GET', `/tasks/${task.id}`)).toMatchObject({ state: 'failed', problem: { detail: 'what is that?' } });
  });
});

describe('streams and bytes', () => {
  it('6.2 a ticket that was never given opens nothing', async () => {
    const socket = new WebSocket(`${world.url.replace('http', 'ws')}/relay/${'a'.repeat(40)}?side=host`);
    const code = await new Promise((resolve) => socket.on('close', resolve));
    expect(code).toBe(4404);
  });

  it('6.3 uploads are for hosts that sign for them', async () => {
    const host = await world.enrolled();
    const get = async (jws: string) =>
      (await fetch(`${world.url}/agent/v1/uploads/${'a'.repeat(20)}`, { headers: { authorization: `Bearer ${jws}` } })).status;
    const iat = Math.floor(Date.now() / 1_000);
    expect(await get(await host.key.sign({ sub: host.id, aud: 'drover-upload', iat }))).toBe(404);
    expect(await get(await makeKey().sign({ sub: host.id, aud: 'drover-upload', iat }))).toBe(401);
  });
});
