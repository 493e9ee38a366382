import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { drizzle } from 'drizzle-orm/libsql';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LocalClient } from './local-client.ts';
import { openStore } from './open.ts';
import { createQuestions } from './questions.ts';

let folder: string;
let client: LocalClient;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'drover-questions-'));
  const path = join(folder, 'a.db');
  (await openStore(path, () => 1)).close();
  client = new LocalClient(path, 0);
});
afterAll(() => {
  client.close();
  rmSync(folder, { recursive: true });
});

/** About each row of these: the tick's looks at hosts and at what is pending. */
const OF_ALL = ['silentHosts', 'hostsWithPending'];

it('no question that is asked for each request or report goes through what grows with the fleet, or with its past', async () => {
  const questions = createQuestions(drizzle(client, { casing: 'snake_case' }), client);
  const plans: Record<string, string> = {};
  for (const [name, question] of Object.entries(questions)) {
    const { rows } = await client.execute({
      sql: `EXPLAIN QUERY PLAN ${question.sql}`,
      args: question.sql.match(/\?/g)?.map(() => 1) ?? [],
    });
    plans[name] = rows.map(({ detail }) => String(detail)).join('; ');
  }
  const scans = Object.entries(plans).filter(([name, plan]) => !OF_ALL.includes(name) && /SCAN (?!json_each)/.test(plan));
  expect(scans).toEqual([]);
  // Found by kind alone, a guest's tasks would be looked for among those of all guests in a month.
  expect(plans.tasksOf).toBe('SEARCH task USING INDEX task_unfinished_of_target (target_kind=? AND target_id=?)');
});
