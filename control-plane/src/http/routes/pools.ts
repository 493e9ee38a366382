import { CreatePool, EditPool, PoolsView, PoolView, SetPool } from '@drover/shared/api/access';
import { Problem } from '@drover/shared/lib/problem';
import { PoolPath } from '@drover/shared/model/access';
import { z } from 'zod';
import { addPool, editPool, putIntoPool, removePool } from '../../core/access.ts';
import { sizeOf } from '../../core/quotas.ts';
import type { PoolRecord } from '../../db/rights-store.ts';
import { actor } from '../act.ts';
import { askerOf } from '../ask.ts';
import type { AppDeps } from '../deps.ts';
import { demand, notThere } from '../gate.ts';
import { type Need, onGuest, onNetwork, onPool, onStorage, somewhere } from '../need.ts';
import { reply } from '../reply.ts';
import { type Route, rawRoute, route } from '../route.ts';
import { Ref } from './params.ts';

const params = z.object({ pool: PoolPath });
const at = (path: string) => ({ path: `/pool/${path}`, memberOf: [] });

/** Pools: guests, storages and networks that belong together, for rights and for limits. */
export function poolRoutes(deps: AppDeps): Route[] {
  const { store, clock } = deps;
  const act = actor(deps);

  async function poolOf(path: string): Promise<PoolRecord> {
    const record = await store.rights.pool(path);
    if (!record) throw notThere('pool', path);
    return record;
  }
  const inside = async (path: string) => (await store.rights.pools()).filter((pool) => pool.path.startsWith(`${path}/`)).length;

  const into = (kind: 'guest' | 'storage' | 'network', right: Need): Route =>
    route({
      method: 'POST',
      path: `/api/v1/${kind}s/{${kind}}/pool`,
      right,
      tag: 'access',
      summary: `Put a ${kind} into a pool, or take it out of its pool`,
      params: z.object({ [kind]: Ref }),
      body: SetPool,
      response: SetPool,
      async handler(call) {
        const path = call.body.pool;
        const asker = askerOf(call, deps);
        const load = async () => {
          const ref = String(Object.values(call.params)[0]);
          const [found] = await store.rights.find(kind, ref);
          if (!found) throw notThere(kind, ref);
          if (path !== null) await poolOf(path);
          const guest = kind === 'guest' ? await store.guest(found.id) : null;
          const rooms = path === null ? [] : await store.rights.rooms(path);
          return { ...found, rooms, size: guest && sizeOf(guest.guest.spec) };
        };
        await act(call, load, ({ id, where, rooms, size }) =>
          putIntoPool({ member: { kind, id }, path, from: where.pool }, { rooms, size }, asker),
        );
        return { body: { pool: path } };
      },
    });

  return [
    route({
      method: 'GET',
      path: '/api/v1/pools',
      right: somewhere('Pool.Audit'),
      tag: 'access',
      summary: 'List pools, with what is in them',
      response: PoolsView,
      async handler({ caller: { rights } }) {
        const seen = (await store.rights.pools()).filter(({ path }) => rights.may('Pool.Audit', at(path)));
        const records = await Promise.all(seen.map(({ path }) => store.rights.pool(path)));
        return { body: { items: records.flatMap((record) => (record ? [poolView(record)] : [])) } };
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/pools',
      right: somewhere('Pool.Allocate'),
      tag: 'access',
      summary: 'Make a pool, perhaps inside of another',
      body: CreatePool,
      status: 201,
      response: PoolView,
      async handler(call) {
        const { path, notes = '', quota = {} } = call.body;
        demand(call.caller.rights.may('Pool.Allocate', at(path)), 'Pool.Allocate', `pool ${path}`);
        const asker = askerOf(call, deps);
        const free = async () => {
          if (await store.rights.pool(path)) throw new Problem('name-taken', `there is a pool ${path}`, { field: 'path' });
          const around = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : null;
          if (around !== null) await poolOf(around);
        };
        await act(call, free, () => addPool({ path, notes, quota, createdAtMs: clock.now() }, asker));
        return { body: poolView(await poolOf(path)) };
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/pools/{pool}',
      right: onPool('Pool.Audit'),
      tag: 'access',
      summary: 'One pool',
      params,
      response: PoolView,
      handler: async (call) => ({ body: poolView(await poolOf(call.params.pool)) }),
    }),
    route({
      method: 'PATCH',
      path: '/api/v1/pools/{pool}',
      right: onPool('Pool.Allocate'),
      tag: 'access',
      summary: 'Change the notes of a pool, or what its guests may come to together',
      params,
      body: EditPool,
      response: PoolView,
      async handler(call) {
        const asker = askerOf(call, deps);
        await act(
          call,
          () => poolOf(call.params.pool),
          ({ pool }) => editPool(pool, call.body, asker),
        );
        return { body: poolView(await poolOf(call.params.pool)) };
      },
    }),
    rawRoute({
      method: 'DELETE',
      path: '/api/v1/pools/{pool}',
      right: onPool('Pool.Allocate'),
      tag: 'access',
      summary: 'Remove an empty pool',
      params,
      answers: { status: 204, contentType: null, description: 'Removed' },
      async handler(call) {
        const asker = askerOf(call, deps);
        const load = async () => ({ ...(await poolOf(call.params.pool)), within: await inside(call.params.pool) });
        await act(call, load, ({ pool, members, within }) => removePool(pool, members.length, within, asker));
        return reply(null, { status: 204 });
      },
    }),
    into('guest', onGuest('VM.Allocate')),
    into('storage', onStorage('Datastore.Allocate')),
    into('network', onNetwork('SDN.Allocate')),
  ];
}

const poolView = ({ pool: { path, notes, quota, createdAtMs }, members }: PoolRecord): PoolView => ({
  ...{ path, notes, quota, createdAtMs },
  members: [...members],
});
