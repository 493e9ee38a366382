import { ReplacedHost } from '@drover/shared/api/host-views';
import { realRandom } from '@drover/shared/lib/random';
import { HostId, newId } from '@drover/shared/model/id';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type AppWorld, createAppWorld, INVENTORY } from '../../../../test/control-plane/app-world.ts';
import { aHost, aNetwork, aStorage } from '../../../../test/control-plane/held.ts';

const NEW_ID = HostId.parse('host_ffffffffffffffffffff');
let world: AppWorld;
beforeEach(async () => {
  world = await createAppWorld();
  const storage = { ...aStorage(), id: newId('storage', realRandom), hostId: NEW_ID };
  const network = { ...aNetwork(), id: newId('network', realRandom), hostId: NEW_ID };
  await world.commit({ newHosts: [aHost({ id: NEW_ID, name: 'fra-new', publicKey: { kty: 'OKP', crv: 'Ed25519', x: 'N'.repeat(43) } })] });
  await world.commit({
    hosts: [{ id: NEW_ID, connected: true, heardAtMs: world.clock.now(), inventory: INVENTORY }],
    wishes: [storage, network].map(({ kind, id, hostId, spec }) => ({ kind, id, hostId, generation: 1, spec, deletion: null })),
  });
  await world.ask('POST', '/api/v1/guests', { body: { type: 'container', name: 'web', image: 'debian-13', host: 'fra-h03', start: true } });
});
afterEach(() => world.close());

const replace = (body: object) => world.ask('POST', '/api/v1/hosts/fra-h03/replace', { body: { with: 'fra-new', ...body } });

it('a lost host is replaced: its guests are wished of the new one under their numbers, and the lost one is forgotten', async () => {
  expect((await replace({})).json).toMatchObject({
    status: 409,
    code: 'wrong-state',
    suggestion: expect.stringContaining('drover host revoke fra-h03'),
  });
  await world.ask('POST', '/api/v1/hosts/fra-h03/revoke', { body: {} });

  const said = ReplacedHost.parse((await replace({ dryRun: true, start: true })).json);
  expect(said).toMatchObject({ from: { name: 'fra-h03' }, to: { id: NEW_ID }, guests: [{ id: 100, name: 'web', starts: true }] });
  expect((await world.ask('GET', '/api/v1/guests/web')).json).toMatchObject({ host: { name: 'fra-h03' } });

  expect(ReplacedHost.parse((await replace({ start: true })).json)).toEqual(said);
  expect((await world.ask('GET', '/api/v1/hosts/fra-h03')).status).toBe(404);
  const web = (await world.ask('GET', '/api/v1/guests/100')).json;
  expect(web).toMatchObject({ name: 'web', host: { name: 'fra-new' }, power: 'running', ackedGeneration: 0, condition: 'pending' });
  expect((await world.ask('GET', '/api/v1/guests?host=fra-new')).json.total).toBe(1);
  expect((await world.ask('GET', '/api/v1/hosts/fra-new')).json.guests).toEqual({ total: 1, running: 0 });
  expect(world.nudged).toContain(NEW_ID);
  expect(world.disconnected).toContainEqual([world.hostId, undefined]);
  const pending = (await world.store.pending(NEW_ID))?.resources ?? [];
  expect(pending.map(({ kind }) => kind).sort()).toEqual(['guest', 'image', 'network', 'storage']);
  expect((await world.ask('GET', '/api/v1/storages')).json.total).toBe(1);
});

it('is for those who may edit hosts', async () => {
  const answer = await world.ask('POST', '/api/v1/hosts/fra-h03/replace', { as: 'auditor', body: { with: 'fra-new' } });
  expect(answer.status).toBe(403);
});
