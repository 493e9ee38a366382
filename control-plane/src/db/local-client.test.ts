import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Client, createClient } from '@libsql/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LocalClient } from './local-client.ts';

/** What is promised holds for libSQL's own client too: ours may be taken for it. */
describe.each([
  ['ours', (path: string): Client => new LocalClient(path, 0)],
  ['ours, that writes together', (path: string): Client => new LocalClient(path, 0, (run) => void setImmediate(run))],
  ['that of libSQL', (path: string): Client => createClient({ url: `file:${path}` })],
])('the client, %s', (_, open) => {
  let folder: string;
  let client: Client;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'drover-client-'));
    client = open(join(folder, 'test.db'));
    await client.execute('CREATE TABLE thing (id INTEGER PRIMARY KEY, name TEXT UNIQUE, isGood INTEGER)');
  });
  afterEach(() => {
    client.close();
    rmSync(folder, { recursive: true });
  });

  const add = (name: string | null, isGood = true) => ({ sql: 'INSERT INTO thing (name, isGood) VALUES (?, ?)', args: [name, isGood] });
  const names = async () => (await client.execute('SELECT name FROM thing ORDER BY id')).rows.map(({ name }) => name);

  describe('a statement that is kept prepared', () => {
    it('works again after it has failed', async () => {
      await client.execute(add('a'));
      await expect(client.execute(add('a'))).rejects.toThrow('UNIQUE constraint failed: thing.name');
      await client.execute(add('b'));
      expect(await names()).toEqual(['a', 'b']);
    });

    it('gives each time what is there then', async () => {
      expect(await names()).toEqual([]);
      await client.execute(add('a'));
      expect(await names()).toEqual(['a']);
      await client.execute('ALTER TABLE thing ADD COLUMN later TEXT');
      expect(await names()).toEqual(['a']);
    });

    it('does as well when it was forgotten meanwhile, because there are too many', async () => {
      await client.execute(add('a'));
      for (let count = 1; count <= 300; count += 1) {
        const { rows } = await client.execute({
          sql: `SELECT id FROM thing WHERE id IN (${'?, '.repeat(count)}1)`,
          args: Array(count).fill(0),
        });
        expect(rows).toHaveLength(1);
      }
      expect(await names()).toEqual(['a']);
    });
  });

  describe('a batch', () => {
    it('is done whole or not at all, and the next one is not hindered by it', async () => {
      await expect(client.batch([add('a'), add('b'), add('a')])).rejects.toThrow('UNIQUE constraint failed');
      expect(await names()).toEqual([]);
      await client.batch([add('a'), add('b')], 'write');
      expect(await names()).toEqual(['a', 'b']);
    });

    it('gives the answer of each of its statements', async () => {
      const [added, found] = await client.batch([add('a', false), 'SELECT name, isGood FROM thing']);
      expect(added?.rowsAffected).toBe(1);
      expect(found?.columns).toEqual(['name', 'isGood']);
      expect(found?.rows.map(({ name, isGood }) => ({ name, isGood }))).toEqual([{ name: 'a', isGood: 0 }]);
    });
  });

  it('a row is read by place and by name, whatever it holds', async () => {
    const { rows } = await client.execute({
      sql: 'SELECT ? AS text, ? AS number, ? AS large, ? AS none, ? AS flag, ? AS at',
      args: ['a', 1.5, Number.MAX_SAFE_INTEGER, null, true, new Date(5)],
    });
    expect(rows[0]?.text).toBe('a');
    expect(Array.from(rows[0] ?? [])).toEqual(['a', 1.5, Number.MAX_SAFE_INTEGER, null, 1, 5]);
  });

  it('a closed database says so', async () => {
    client.close();
    expect(client.closed).toBe(true);
    await expect(names()).rejects.toThrow(/is closed/);
  });
});

it('once it is closed, all that was written is in the one file, and a copy of that is whole', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'drover-client-'));
  try {
    const client = new LocalClient(join(folder, 'a.db'), 0);
    await client.execute('PRAGMA journal_mode = WAL');
    await client.execute('CREATE TABLE thing (name TEXT)');
    await client.execute("INSERT INTO thing VALUES ('a')");
    client.close();
    copyFileSync(join(folder, 'a.db'), join(folder, 'b.db'));
    const copy = new LocalClient(join(folder, 'b.db'), 0);
    expect((await copy.execute('SELECT name FROM thing')).rows).toHaveLength(1);
    copy.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
});
