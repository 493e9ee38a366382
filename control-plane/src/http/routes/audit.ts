import { AuditVerdict, ListAudit } from '@drover/shared/api/audit';
import { z } from 'zod';
import { AuditPage } from '../components.ts';
import type { AppDeps } from '../deps.ts';
import { onAccess } from '../need.ts';
import { reply } from '../reply.ts';
import { type Route, rawRoute, route } from '../route.ts';

const EXPORTED_AT_ONCE = 500;

/** The record of who did what. Nothing here changes it, and nothing else does but by adding to it. */
export function auditRoutes({ store: { audit } }: AppDeps): Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/v1/audit',
      right: onAccess('Sys.Syslog'),
      tag: 'audit',
      summary: 'Who did what, the newest first: by person, thing and time',
      query: ListAudit,
      response: AuditPage,
      async handler({ query }) {
        const { items, next, total } = await audit.entries(query);
        return { body: { items: [...items], next, total } };
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/audit/verify',
      right: onAccess('Sys.Syslog'),
      tag: 'audit',
      summary: 'Is the whole record as it was written? Each entry is bound to all before it',
      response: AuditVerdict,
      async handler() {
        const verdict = await audit.verify();
        return {
          body:
            verdict.is === 'whole'
              ? { isWhole: true, last: verdict.last, broken: null }
              : { isWhole: false, last: null, broken: { number: verdict.number, because: verdict.because } },
        };
      },
    }),
    rawRoute({
      method: 'GET',
      path: '/api/v1/audit/export',
      right: onAccess('Sys.Syslog'),
      tag: 'audit',
      summary: 'The whole record, or from a number on, the oldest first: one JSON document a line',
      query: z.strictObject({ from: z.coerce.number().int().min(1).default(1) }),
      answers: { status: 200, contentType: 'application/jsonl', description: 'A line for each entry' },
      handler({ query }) {
        let number = query.from;
        const encoder = new TextEncoder();
        const lines = new ReadableStream<Uint8Array>({
          async pull(controller) {
            const entries = await audit.from(number, EXPORTED_AT_ONCE);
            const last = entries.at(-1);
            if (!last) return controller.close();
            number = last.number + 1;
            controller.enqueue(encoder.encode(entries.map((entry) => `${JSON.stringify(entry)}\n`).join('')));
          },
        });
        return reply(lines, { headers: { 'content-type': 'application/jsonl', 'cache-control': 'no-store' } });
      },
    }),
  ];
}
