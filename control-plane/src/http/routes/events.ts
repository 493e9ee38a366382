import { Problem } from '@drover/shared/lib/problem';
import { z } from 'zod';
import type { Rights } from '../../core/rights-of.ts';
import type { AppDeps } from '../deps.ts';
import { eventStream } from '../event-stream.ts';
import { figuresFrames } from '../figures-frames.ts';
import { hostFor } from '../gate.ts';
import { reply } from '../reply.ts';
import { type Route, rawRoute } from '../route.ts';
import { Ref } from './params.ts';

const Cursor = z.coerce.number().int().min(0);

export function eventRoutes({ store, clock, closing }: AppDeps): Route[] {
  async function figuresOf(ref: string, rights: Rights) {
    const id = await hostFor('Sys.Audit', ref, rights, store);
    const record = await store.host(id);
    if (!record) throw new Problem('not-found', `there is no host ${ref}`, { field: 'figures' });
    return figuresFrames(store, clock, record.host);
  }
  return [
    rawRoute({
      method: 'GET',
      path: '/api/v1/events',
      right: 'self',
      tag: 'events',
      summary: 'What changes, as server-sent events',
      description:
        '`event: change` carries a ChangeEvent: fetch that thing again. Resumes after Last-Event-ID or `after`; without either, begins now. `event: reset`: too much was missed, fetch everything again. With `figures` also the live figures of that host: `event: figures` carries HostFigures.',
      query: z.strictObject({ after: Cursor.optional(), figures: Ref.optional() }),
      answers: { status: 200, contentType: 'text/event-stream', description: 'A stream that ends when either side leaves' },
      async handler({ request, query, caller }) {
        const lastEventId = request.headers.get('last-event-id');
        const after = lastEventId === null ? query.after : cursorOf(lastEventId);
        const figures = query.figures === undefined ? undefined : await figuresOf(query.figures, caller.rights);
        const body = request.method === 'HEAD' ? null : eventStream({ store, clock, closing, caller, figures }, after);
        const headers = {
          'content-type': 'text/event-stream',
          'cache-control': 'no-store',
          'x-accel-buffering': 'no',
          // Its connection ends with it: kept alive, it would hold up a server that stops.
          'connection': 'close',
        };
        return reply(body, { headers });
      },
    }),
  ];
}

function cursorOf(lastEventId: string): number {
  const cursor = Cursor.safeParse(lastEventId === '' ? 0 : lastEventId);
  if (!cursor.success) throw new Problem('bad-request', 'Last-Event-ID: not a cursor of this stream', { field: 'Last-Event-ID' });
  return cursor.data;
}
