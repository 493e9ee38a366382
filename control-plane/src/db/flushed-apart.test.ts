import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { LocalClient } from './local-client.ts';

/** Commits whose log is flushed when the test says. */
let folder: string;
let client: LocalClient;
let flushes: ((error: Error | null) => void)[] = [];
let isClosed = false;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'drover-flushed-'));
  flushes = [];
  isClosed = false;
  client = new LocalClient(join(folder, 'a.db'), 0, (run) => void setImmediate(run));
  await client.execute('PRAGMA journal_mode = WAL');
  await client.execute('CREATE TABLE thing (name TEXT UNIQUE)');
  client.flushApart({
    flush: (done) => void flushes.push(done),
    close: () => {
      isClosed = true;
    },
  });
});
afterEach(() => {
  client.close();
  rmSync(folder, { recursive: true });
});

const add = (name: string) => ({ sql: 'INSERT INTO thing (name) VALUES (?)', args: [name] });
const names = async () => (await client.execute('SELECT name FROM thing ORDER BY name')).rows.map(({ name }) => name);
const told: string[] = [];
function write(name: string, way: (name: string) => Promise<unknown> = (each) => client.batch([add(each)], 'write')): void {
  told.length = 0;
  way(name).then(
    () => told.push(`${name} is written`),
    (error: Error) => told.push(`${name}: ${error.message}`),
  );
}
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
/** Two turns: what is asked for in the first is committed at its end, and told of in the next. */
const settled = async () => {
  await turn();
  await turn();
};
const flushed = (error: Error | null = null) => flushes.shift()?.(error);

it.each([
  ['a batch', (name: string) => client.batch([add(name)], 'write')],
  ['a batch that does not say what it is', (name: string) => client.batch([add(name)])],
  ['a statement', (name: string) => client.execute(add(name))],
])('%s is told of once it is on disk, and not before', async (_, way) => {
  write('a', way);
  await settled();
  expect(await names()).toEqual(['a']);
  expect(told).toEqual([]);
  flushed();
  await settled();
  expect(told).toEqual(['a is written']);
});

it('a flush is for what was committed before it began; what came meanwhile waits for the next, together', async () => {
  const ends: string[] = [];
  const note = (name: string) => void client.batch([add(name)], 'write').then(() => ends.push(name));
  note('a');
  await settled();
  note('b');
  await settled();
  note('c');
  await settled();
  expect(flushes).toHaveLength(1);
  flushed();
  await settled();
  expect(ends).toEqual(['a']);
  flushed();
  await settled();
  expect(ends).toEqual(['a', 'b', 'c']);
  expect(flushes).toHaveLength(0);
});

it('whoever asks waits for all that is committed by then; when all of it is on disk nobody waits', async () => {
  await client.durable();
  write('a');
  await settled();
  let isDurable = false;
  void client.durable().then(() => {
    isDurable = true;
  });
  await settled();
  expect(isDurable).toBe(false);
  flushed();
  await settled();
  expect(isDurable).toBe(true);
  await client.durable();
});

it('a disk that fails once is not believed again: nothing is said to be written from then on', async () => {
  write('a');
  await settled();
  flushed(new Error('I/O error'));
  await settled();
  expect(told).toEqual(['a: the database could not be written to disk']);
  write('b');
  await settled();
  expect(told).toEqual(['b: the database could not be written to disk']);
});

it('who waits when it is closed is told once the flush is over, and the log is let go then', async () => {
  write('a');
  await settled();
  client.close();
  expect(isClosed).toBe(false);
  flushed();
  await settled();
  expect(told).toEqual(['a is written']);
  expect(isClosed).toBe(true);
});
