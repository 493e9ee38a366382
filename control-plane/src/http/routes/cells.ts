import { CellFilesView, CellsView, CellView, CheckLoginsView, CreateCell, DrainCell, MoveHost } from '@drover/shared/api/cells';
import { HostView } from '@drover/shared/api/views';
import { Problem } from '@drover/shared/lib/problem';
import { z } from 'zod';
import type { KnownCell } from '../../db/cell-store.ts';
import { recordOf } from '../act.ts';
import { Nothing } from '../components.ts';
import type { AppDeps } from '../deps.ts';
import { onEverything, onHost } from '../need.ts';
import { reply } from '../reply.ts';
import { type Route, rawRoute, route } from '../route.ts';
import { hostView } from '../views.ts';
import { Ref } from './params.ts';

const CELL = '/api/v1/cells/{cell}';
const params = z.object({ cell: Ref });

/** Brokers, and which hosts are on which. */
export function cellRoutes(deps: AppDeps): Route[] {
  const { store, cells, clock } = deps;
  async function all(): Promise<CellView[]> {
    return (await store.cells.cells()).map((cell) => viewOf(cell, cells.serves(cell.name)));
  }
  async function one(name: string): Promise<CellView> {
    const found = (await all()).find((cell) => cell.name === name);
    if (!found) throw new Problem('not-found', `there is no cell ${name}`, { field: 'cell', suggestion: 'drover cell list shows all' });
    return found;
  }

  return [
    route({
      method: 'GET',
      path: '/api/v1/cells',
      right: onEverything('Sys.Audit'),
      tag: 'cells',
      summary: 'List cells: brokers, and how many hosts are on them',
      response: CellsView,
      handler: async () => ({ body: { items: await all() } }),
    }),
    route({
      method: 'POST',
      path: '/api/v1/cells',
      right: onEverything('Sys.Modify'),
      tag: 'cells',
      summary: 'Add a cell: a broker that the control plane is to use',
      body: CreateCell,
      status: 201,
      response: CellView,
      async handler(call) {
        const { body } = call;
        const { ownUrl = null, adminUrl = null, ...rest } = body;
        if (body.profile === 'nats' && adminUrl === null) {
          throw new Problem('bad-request', 'NATS has to be told whom to refuse, over its own protocol', { field: 'adminUrl' });
        }
        const record = recordOf(call, clock.now(), { kind: 'cell', id: rest.name, name: rest.name, detail: 'added' });
        await store.cells.addCell({ ...rest, ownUrl, adminUrl, isDraining: false, createdAtMs: clock.now() }, record);
        return { body: await one(body.name) };
      },
    }),
    route({
      method: 'POST',
      path: `${CELL}/drain`,
      right: onEverything('Sys.Modify'),
      tag: 'cells',
      summary: 'Move all hosts of a cell to others, a hundred each second, and give it no new ones; or let it be used again',
      params,
      body: DrainCell,
      response: CellView,
      async handler(call) {
        const {
          params: { cell },
          body,
        } = call;
        const others = (await all()).filter((other) => other.name !== cell && !other.draining);
        if (body.draining && others.length === 0) {
          throw new Problem('wrong-state', 'there is no other cell for its hosts', { suggestion: 'add one first: drover cell add' });
        }
        const detail = body.draining ? 'to be emptied' : 'takes hosts again';
        await store.cells.setDraining(cell, body.draining, recordOf(call, clock.now(), { kind: 'cell', id: cell, name: cell, detail }));
        return { body: await one(cell) };
      },
    }),
    rawRoute({
      method: 'DELETE',
      path: CELL,
      right: onEverything('Sys.Modify'),
      tag: 'cells',
      summary: 'Remove a cell that has no hosts',
      params,
      answers: { status: 204, contentType: null, description: 'Removed' },
      async handler(call) {
        const {
          params: { cell },
        } = call;
        if ((await all()).length === 1) throw new Problem('wrong-state', 'this is the only cell');
        const record = recordOf(call, clock.now(), { kind: 'cell', id: cell, name: cell, detail: 'removed' });
        if (!(await store.cells.removeCell(cell, record))) throw new Problem('not-found', `there is no cell ${cell}`, { field: 'cell' });
        return reply(null, { status: 204 });
      },
    }),
    route({
      method: 'GET',
      path: `${CELL}/setup`,
      right: onEverything('Sys.Modify'),
      tag: 'cells',
      summary: 'Files to set up the broker of a cell with; some are secret',
      params,
      response: CellFilesView,
      handler: async ({ params: { cell } }) => ({ body: { files: { ...(await cells.setup(cell)) } } }),
    }),
    route({
      method: 'POST',
      path: `${CELL}/check-logins`,
      right: onEverything('Sys.Modify'),
      tag: 'cells',
      summary: 'What a check of the broker connects with, good for less than a minute',
      params,
      body: Nothing,
      response: CheckLoginsView,
      handler: async ({ params: { cell } }) => ({ body: await cells.checkLogins(cell) }),
    }),
    route({
      method: 'POST',
      path: '/api/v1/hosts/{host}/move',
      right: onHost('Sys.Modify'),
      tag: 'cells',
      summary:
        'Move a host to another cell whose broker is reached: it comes back there within seconds, and nothing that was wished of it is lost',
      params: z.object({ host: Ref }),
      body: MoveHost,
      response: HostView,
      async handler(call) {
        const {
          params: { host },
          body,
        } = call;
        const found = await store.host(host);
        if (!found) throw new Problem('not-found', `there is no host ${host}`, { field: 'host' });
        const { reached } = await one(body.cell);
        const before = found.host.cell;
        if (!reached && before !== body.cell) {
          throw new Problem('wrong-state', `the control plane does not reach the broker of cell ${body.cell}`, {
            field: 'cell',
            suggestion: `drover broker check --cell ${body.cell} says why`,
          });
        }
        const record = recordOf(call, clock.now(), {
          kind: 'host',
          id: found.host.id,
          name: found.host.name,
          detail: `moved to cell ${body.cell}`,
        });
        await store.cells.moveHost(found.host.id, body.cell, clock.now(), record);
        if (before !== body.cell) cells.disconnect(found.host.id, before);
        const moved = await store.host(found.host.id);
        if (!moved) throw new Problem('not-found', `there is no host ${host}`, { field: 'host' });
        return { body: hostView(moved, deps) };
      },
    }),
  ];
}

function viewOf(cell: KnownCell, served: boolean): CellView {
  const { name, profile, urls, isDraining, isReached, hosts, connectedHosts, createdAtMs } = cell;
  return { name, profile, urls: [...urls], draining: isDraining, hosts, connectedHosts, reached: isReached, served, createdAtMs };
}
