import { Problem } from '@drover/shared/lib/problem';
import { z } from 'zod';
import type { AppDeps } from '../deps.ts';
import { eventStream } from '../event-stream.ts';
import { reply } from '../reply.ts';
import { type Route, rawRoute } from '../route.ts';

const Cursor = z.coerce.number().int().min(0);

export function eventRoutes({ store, clock, closing }: AppDeps): Route[] {
  return [
    rawRoute({
      method: 'GET',
      path: '/api/v1/events',
      right: 'view',
      tag: 'events',
      summary: 'What changes, as server-sent events',
      description:
        '`event: change` carries a ChangeEvent: fetch that thing again. Resumes after Last-Event-ID or `after`; without either, begins now. `event: reset`: too much was missed, fetch everything again.',
      query: z.strictObject({ after: Cursor.optional() }),
      answers: { status: 200, contentType: 'text/event-stream', description: 'A stream that ends when either side leaves' },
      handler({ request, query, caller }) {
        const lastEventId = request.headers.get('last-event-id');
        const after = lastEventId === null ? query.after : cursorOf(lastEventId);
        const body = request.method === 'HEAD' ? null : eventStream({ store, clock, closing, caller }, after);
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
