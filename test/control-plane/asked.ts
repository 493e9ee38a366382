import type { InArgs, InStatement, ResultSet } from '@libsql/client';
import { LocalClient } from '../../control-plane/src/db/local-client.ts';

/** A database in memory that notes what is asked of it. */
export class NotedClient extends LocalClient {
  #asked: InStatement[] = [];

  constructor() {
    super(':memory:', 0);
  }

  override execute(statement: InStatement, values?: InArgs): Promise<ResultSet> {
    this.#asked.push(statement);
    return super.execute(statement, values);
  }

  /** How SQLite goes about the questions that `ask` asks, a line for each step. */
  async plansOf(ask: () => Promise<unknown>): Promise<string[]> {
    this.#asked = [];
    await ask();
    const plans: string[] = [];
    for (const statement of this.#asked) {
      const { sql, args = [] } = typeof statement === 'string' ? { sql: statement } : statement;
      const { rows } = await super.execute({ sql: `EXPLAIN QUERY PLAN ${sql}`, args });
      plans.push(...rows.map(({ detail }) => String(detail)));
    }
    return plans;
  }
}
