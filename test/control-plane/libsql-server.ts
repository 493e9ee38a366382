import { createServer } from 'node:http';
import type { InValue } from '@libsql/client';
import Database from 'libsql';
import { z } from 'zod';

/** As much of a libSQL server (Hrana 2 over HTTP) as its client asks for, on one file: for tests with several control planes. */
export interface LibsqlServer {
  readonly url: string;
  close(): Promise<void>;
}

const Value = z.discriminatedUnion('type', [
  z.object({ type: z.literal('null') }),
  z.object({ type: z.literal('integer'), value: z.string() }),
  z.object({ type: z.literal('float'), value: z.number() }),
  z.object({ type: z.literal('text'), value: z.string() }),
  z.object({ type: z.literal('blob'), base64: z.string() }),
]);
/** The text, or the number that a text was stored under before. */
const Statement = z.object({ sql: z.string().nullish(), sql_id: z.number().nullish(), args: z.array(Value).default([]) });
type Condition =
  | { type: 'ok'; step: number }
  | { type: 'error'; step: number }
  | { type: 'not'; cond: Condition }
  | { type: 'and'; conds: Condition[] }
  | { type: 'or'; conds: Condition[] };
const Condition: z.ZodType<Condition> = z.lazy(() =>
  z.union([
    z.object({ type: z.literal('ok'), step: z.number() }),
    z.object({ type: z.literal('error'), step: z.number() }),
    z.object({ type: z.literal('not'), cond: Condition }),
    z.object({ type: z.literal('and'), conds: z.array(Condition) }),
    z.object({ type: z.literal('or'), conds: z.array(Condition) }),
  ]),
);
const Batch = z.object({ steps: z.array(z.object({ condition: Condition.nullish(), stmt: Statement })) });
const Pipeline = z.object({
  requests: z.array(
    z.union([
      z.object({ type: z.literal('execute'), stmt: Statement }),
      z.object({ type: z.literal('batch'), batch: Batch }),
      z.object({ type: z.literal('store_sql'), sql_id: z.number(), sql: z.string() }),
      z.object({ type: z.enum(['close_sql', 'close', 'get_autocommit']) }),
    ]),
  ),
});

export async function startLibsqlServer(path: string): Promise<LibsqlServer> {
  const database = new Database(path);
  database.exec('PRAGMA journal_mode = WAL');

  const texts = new Map<number, string>();
  function execute({ sql, sql_id, args }: z.infer<typeof Statement>) {
    const statement = database.prepare(sql ?? texts.get(sql_id ?? -1) ?? '');
    const bound = args.map(bindable);
    if (!statement.reader) return { cols: [], rows: [], affected_row_count: statement.run(bound).changes, last_insert_rowid: null };
    const cols = statement.columns().map(({ name }) => ({ name, decltype: null }));
    // Sound: in raw mode a row is the list of its values.
    const rows = (statement.raw(true).all(bound) as unknown[][]).map((row) => row.map(said));
    return { cols, rows, affected_row_count: 0, last_insert_rowid: null };
  }

  function batch({ steps }: z.infer<typeof Batch>) {
    const results: (ReturnType<typeof execute> | null)[] = [];
    const errors: ({ message: string; code: string } | null)[] = [];
    const holds = (condition: Condition): boolean => {
      if (condition.type === 'ok') return results[condition.step] !== null;
      if (condition.type === 'error') return errors[condition.step] !== null;
      if (condition.type === 'not') return !holds(condition.cond);
      return condition.type === 'and' ? condition.conds.every(holds) : condition.conds.some(holds);
    };
    for (const { condition, stmt } of steps) {
      let result: ReturnType<typeof execute> | null = null;
      let error: { message: string; code: string } | null = null;
      try {
        if (!condition || holds(condition)) result = execute(stmt);
      } catch (thrown) {
        error = problemOf(thrown);
      }
      results.push(result);
      errors.push(error);
    }
    if (database.inTransaction) database.exec('ROLLBACK');
    return { step_results: results, step_errors: errors };
  }

  function answer(request: z.infer<typeof Pipeline>['requests'][number]) {
    try {
      if (request.type === 'execute') return { type: 'ok', response: { type: 'execute', result: execute(request.stmt) } };
      if (request.type === 'batch') return { type: 'ok', response: { type: 'batch', result: batch(request.batch) } };
      if (request.type === 'store_sql') texts.set(request.sql_id, request.sql);
      return { type: 'ok', response: { type: request.type, is_autocommit: !database.inTransaction } };
    } catch (thrown) {
      return { type: 'error', error: problemOf(thrown) };
    }
  }

  const server = createServer((request, response) => {
    if (request.method !== 'POST') return void response.writeHead(request.url === '/v2' ? 200 : 404).end();
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { requests } = Pipeline.parse(JSON.parse(Buffer.concat(chunks).toString('utf8')));
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ baton: null, base_url: null, results: requests.map(answer) }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => {
          database.close();
          resolve();
        });
      }),
  };
}

function bindable(value: z.infer<typeof Value>): InValue {
  if (value.type === 'null') return null;
  if (value.type === 'integer') return Number(value.value);
  return value.type === 'blob' ? Buffer.from(value.base64, 'base64') : value.value;
}

function said(value: unknown): z.infer<typeof Value> {
  if (value === null) return { type: 'null' };
  if (typeof value === 'number') return Number.isInteger(value) ? { type: 'integer', value: String(value) } : { type: 'float', value };
  if (typeof value === 'string') return { type: 'text', value };
  if (Buffer.isBuffer(value)) return { type: 'blob', base64: value.toString('base64') };
  throw new Error(`a value of another kind: ${typeof value}`);
}

const problemOf = (thrown: unknown) => ({
  message: `SQLite error: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
  code: 'SQLITE_CONSTRAINT',
});
