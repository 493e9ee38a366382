import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AuditFacts } from '@drover/shared/model/audit';
import { createClient } from '@libsql/client';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openStore } from './open.ts';
import type { Store } from './store.ts';

let folder: string;
let path: string;
let store: Store;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'drover-audit-'));
  path = join(folder, 'drover.db');
  store = await openStore(path, () => 1);
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

const facts = (atMs: number): AuditFacts => ({
  ...{ atMs, who: 'anna', whoId: null, via: 'shell', tokenId: null, address: null, action: 'x', kind: null, id: null, name: null },
  ...{ generation: null, taskId: null, outcome: 'done', detail: null },
});
const change = (...sql: string[]) => createClient({ url: `file:${path}` }).executeMultiple(sql.join(';\n'));

it('what was written with a commit is there exactly when the commit is', async () => {
  expect(await store.commit({ by: 'anna', atMs: 1, audit: [facts(1)] })).toEqual({ committed: true });
  const nowhere = { kind: 'guest', id: '100', generation: 3 } as const;
  expect(await store.commit({ by: 'anna', atMs: 2, audit: [facts(2)], restsOn: [nowhere] })).toMatchObject({ committed: false });
  expect((await store.audit.entries({ limit: 10 })).items.map(({ number, atMs }) => [number, atMs])).toEqual([[1, 1]]);
});

it('entries of many commits at once, and of two processes, are bound one after the other', async () => {
  const other = await openStore(path, () => 1);
  await Promise.all(Array.from({ length: 40 }, (_, at) => (at % 2 ? store : other).audit.add(facts(at))));
  await Promise.all([store.audit.bind(), other.audit.bind()]);
  expect(await other.audit.verify()).toMatchObject({ is: 'whole', last: { number: 40 } });
  other.close();
});

it('is not changed or shortened by anybody who does not first take its triggers away', async () => {
  await store.audit.add(facts(1));
  await store.audit.bind();
  for (const sql of ["UPDATE audit SET who = 'eve'", 'DELETE FROM audit', "UPDATE audit_link SET hash = ''", 'DELETE FROM audit_link'])
    await expect(change(sql)).rejects.toThrow(/the record is not/);
});

it.each([
  ['a fact that was changed', 2, ['DROP TRIGGER audit_stays', "UPDATE audit SET facts = json_set(facts, '$.who', 'eve') WHERE number = 2"]],
  ['an entry that was taken out', 2, ['DROP TRIGGER audit_is_kept', 'DELETE FROM audit WHERE number = 2']],
  ['the newest that was cut off', 3, ['DROP TRIGGER audit_is_kept', 'DELETE FROM audit WHERE number = 3']],
  ['a hash that was written anew', 1, ['DROP TRIGGER audit_link_stays', "UPDATE audit_link SET hash = 'f' WHERE number = 1"]],
])('%s is found out', async (_what, number, sql) => {
  for (const atMs of [1, 2, 3]) await store.audit.add(facts(atMs));
  expect(await store.audit.verify()).toMatchObject({ is: 'whole' });
  await change(...sql);
  expect(await store.audit.verify()).toMatchObject({ is: 'broken', number });
});
