import { afterEach, beforeEach, expect, it } from 'vitest';
import { LocalClient } from './local-client.ts';

/** Batches that wait for the end of a turn, which the test calls. */
let client: LocalClient;
let due: (() => void)[] = [];

beforeEach(async () => {
  due = [];
  client = new LocalClient(':memory:', 0, (run) => due.push(run));
  await client.execute('CREATE TABLE thing (name TEXT UNIQUE)');
});
afterEach(() => client.close());

const add = (name: string) => ({ sql: 'INSERT INTO thing (name) VALUES (?)', args: [name] });
const names = async () => (await client.execute('SELECT name FROM thing ORDER BY name')).rows.map(({ name }) => name);
const write = (...added: readonly string[]): Promise<string> =>
  client.batch(added.map(add), 'write').then(
    () => 'written',
    (error: Error) => error.message,
  );
function endTurn(): void {
  const [run] = due;
  due = [];
  run?.();
}

it('batches of one turn are none of them told of before all are written', async () => {
  const told: string[] = [];
  const both = ['a', 'b'].map((name) => write(name).then(() => told.push(name)));
  expect(await names()).toEqual([]);
  expect(told).toEqual([]);
  expect(due).toHaveLength(1);
  endTurn();
  await Promise.all(both);
  expect(await names()).toEqual(['a', 'b']);
});

it('batches of one turn do not share their failures: one that conflicts leaves nothing, the others are whole', async () => {
  const outcomes = [write('a'), write('b', 'a'), write('c')];
  endTurn();
  expect(await Promise.all(outcomes)).toEqual(['written', expect.stringContaining('UNIQUE constraint failed'), 'written']);
  expect(await names()).toEqual(['a', 'c']);
});

it('batches of one turn are all told when nothing of them could be written, and the next turn is not hindered by it', async () => {
  const outcomes = [write('a'), write('b')];
  await client.execute('BEGIN');
  endTurn();
  for (const outcome of await Promise.all(outcomes)) expect(outcome).toContain('cannot start a transaction');
  await client.execute('ROLLBACK');
  const later = write('c');
  endTurn();
  expect(await later).toBe('written');
  expect(await names()).toEqual(['c']);
});

it('what waits is written before the database is closed', async () => {
  const last = write('a');
  client.close();
  expect(await last).toBe('written');
});
