import { BegunView, UpgradesView } from '@drover/shared/api/upgrades';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AppWorld, createAppWorld, INVENTORY } from '../../../../test/control-plane/app-world.ts';
import { advanceFleetUpgrades } from '../../loop/fleet-upgrades.ts';

const BUILD = 'bbbbbbbbbbbb';
const ABOUT = { name: 'drover-agent_0.1.0_all.deb', version: '0.1.0', build: BUILD, sha256: 'a'.repeat(64), sizeBytes: 9 };

let world: AppWorld;
beforeEach(async () => {
  world = await createAppWorld({ agentPackage: { about: ABOUT, bytes: async () => new Uint8Array() } });
});
afterEach(() => world.close());

const says = (over: { readonly agentBuild?: string; readonly upgradeBlocked?: string }) =>
  world.commit({ hosts: [{ id: world.hostId, inventory: { ...INVENTORY, ...over } }] });
const wanted = async () => (await world.store.pending(world.hostId))?.resources.filter(({ kind }) => kind === 'task') ?? [];

describe('upgrades', () => {
  it('tell which hosts run another agent, and why one cannot be upgraded from here', async () => {
    const states = async () => UpgradesView.parse((await world.ask('GET', '/api/v1/upgrades')).json).hosts.map(({ state }) => state);
    expect(await states()).toEqual(['blocked']);
    await says({ agentBuild: 'aaaaaaaaaaaa' });
    expect(await states()).toEqual(['available']);
    await says({ agentBuild: 'aaaaaaaaaaaa', upgradeBlocked: 'this agent runs from a clone' });
    expect(await states()).toEqual(['blocked']);
    await says({ agentBuild: BUILD });
    expect(await states()).toEqual(['current']);
  });

  it('of one host are one task, which names the package by its digest', async () => {
    await says({ agentBuild: 'aaaaaaaaaaaa' });
    const answer = await world.ask('POST', '/api/v1/upgrades', { body: { hosts: ['fra-h03'] } });
    expect(answer.status).toBe(202);
    expect(BegunView.parse(answer.json).task).toMatchObject({ do: 'agent.upgrade', target: { kind: 'host', name: 'fra-h03' } });
    expect((await wanted()).map(({ spec }) => spec)).toMatchObject([{ do: 'agent.upgrade', build: BUILD, sha256: ABOUT.sha256 }]);
  });

  it('of several are one task that begins with one of them', async () => {
    await says({ agentBuild: 'aaaaaaaaaaaa' });
    await world.commit({ newHosts: [{ id: OTHER, name: 'ams-h01', cell: 'default', publicKey: KEY }] });
    const answer = await world.ask('POST', '/api/v1/upgrades', { body: { all: true } });
    const { task } = BegunView.parse(answer.json);
    expect(task).toMatchObject({ do: 'fleet.upgrade', state: 'running', host: null });
    await advanceFleetUpgrades(world.store, { nudge() {} }, { fraction: () => 0, text: () => 'x'.repeat(20) }, world.clock.now());
    expect(await wanted()).toHaveLength(1);
    const cancelled = await world.ask('POST', `/api/v1/tasks/${task.id}/cancel`, { body: {} });
    expect(cancelled.status).toBe(202);
    expect(await world.store.fleet.unfinishedUpgrades()).toEqual([]);
  });

  it.each([
    [{}, 400, 'say which hosts'],
    [{ all: true, hosts: ['fra-h03'] }, 400, 'say which hosts'],
    [{ hosts: ['nobody'] }, 404, 'there is no host nobody'],
    [{ tag: 'edge' }, 404, 'no host has the tag edge'],
    [{ hosts: ['fra-h03'] }, 422, 'cannot be upgraded from here yet'],
  ])('asked for by %j are refused in plain words', async (body, status, words) => {
    const answer = await world.ask('POST', '/api/v1/upgrades', { body });
    expect([answer.status, answer.text]).toEqual([status, expect.stringContaining(words)]);
  });

  it('find the hosts of a tag', async () => {
    await says({ agentBuild: 'aaaaaaaaaaaa' });
    await world.commit({
      wishes: [{ kind: 'host', id: world.hostId, hostId: world.hostId, generation: 1, spec: { tags: ['edge'] }, deletion: null }],
    });
    expect((await world.ask('POST', '/api/v1/upgrades', { body: { tag: 'edge' } })).status).toBe(202);
  });
});

describe('the power of a host', () => {
  it('is asked for as one task of the host, one at a time', async () => {
    const reboot = () => world.ask('POST', '/api/v1/hosts/fra-h03/power', { body: { action: 'reboot' } });
    expect(BegunView.parse((await reboot()).json).task).toMatchObject({ title: 'reboot host fra-h03', do: 'host.power' });
    expect((await reboot()).json).toMatchObject({ code: 'busy', detail: 'first this must end: reboot host fra-h03' });
    expect((await world.ask('POST', '/api/v1/hosts/fra-h03/power', { body: { action: 'explode' } })).status).toBe(400);
  });

  it('is not asked of one that is away', async () => {
    await world.commit({ hosts: [{ id: world.hostId, connected: false }] });
    expect((await world.ask('POST', '/api/v1/hosts/fra-h03/power', { body: { action: 'shutdown' } })).json).toMatchObject({
      code: 'host-away',
      retryable: true,
    });
  });
});

const OTHER = 'host_aaaaaaaaaaaaaaaaaaaa' as AppWorld['hostId'];
const KEY = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' } as const;
