import type { Client, InArgs, InStatement, InValue, ResultSet, Row, TransactionMode } from '@libsql/client';
import Database from 'libsql';
import type { Defer } from './gathered.ts';

/** Texts differ by the lengths of lists in them; the one not used for longest goes first. */
const STATEMENTS_MAX = 200;

interface Prepared {
  readonly statement: Database.Statement;
  /** Null: it gives no rows. */
  readonly columns: readonly string[] | null;
}

interface Waiting {
  readonly statements: Statements;
  readonly resolve: (results: ResultSet[]) => void;
  readonly reject: (error: unknown) => void;
}
type Statements = readonly (InStatement | [string, InArgs?])[];

/** What SQLite has committed lies in a log beside the database. */
export interface WriteAheadLog {
  /** Calls back once all that is in it by now is on disk, or with why it is not. */
  flush(done: (error: Error | null) => void): void;
  close(): void;
}

interface Unflushed {
  /** The commit that it waits for. */
  readonly commit: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * A database of this machine, over one connection that keeps its statements prepared: the client that libSQL comes with
 * compiles each anew and asks twice for the names of its columns, which takes ten times as long as the question itself.
 * Every call is carried out at once and settles in microtasks, but for batches that write, where `defer` is given: those that
 * are asked for until it calls back are committed together, each still whole or not at all, and by itself.
 */
export class LocalClient implements Client {
  readonly protocol = 'file';
  readonly #database: Database.Database;
  readonly #statements = new Map<string, Prepared>();
  readonly #defer: Defer | null;
  #waiting: Waiting[] = [];
  #log: WriteAheadLog | null = null;
  #commits = 0;
  #flushed = 0;
  #isFlushing = false;
  #unflushed: Unflushed[] = [];
  #lost: Error | null = null;

  /** `path`: a file, or ':memory:'. `busyMs`: how long to wait for another process that writes. */
  constructor(path: string, busyMs: number, defer: Defer | null = null) {
    this.#database = new Database(path, { timeout: busyMs });
    this.#defer = defer;
  }

  get closed(): boolean {
    return !this.#database.open;
  }

  async execute(statement: InStatement, values?: InArgs): Promise<ResultSet> {
    const [sql, args] = typeof statement === 'string' ? [statement, values] : [statement.sql, statement.args];
    const done = this.#run(sql, args);
    if (/^\s*(SELECT|PRAGMA|EXPLAIN)\b/i.test(sql)) return done;
    this.#commits += 1;
    await this.durable();
    return done;
  }

  /**
   * From here on a commit does not wait for the disk with this thread: whoever asked for it is told once `log` is flushed, and one
   * flush is for all that was committed before it began. What is read may be a moment ahead of the disk: `durable` waits for that.
   */
  flushApart(log: WriteAheadLog): void {
    this.#log = log;
    // What was committed before, waited for the disk.
    this.#flushed = this.#commits;
    // SQLite still flushes what a checkpoint rests on, in the order in which it must.
    this.#run('PRAGMA synchronous = NORMAL');
  }

  /** Settles once all that is committed by now is on disk. */
  async durable(): Promise<void> {
    const commit = this.#commits;
    if (!this.#log || this.#flushed >= commit) return;
    if (this.#lost) throw this.#lost;
    await new Promise<void>((resolve, reject) => {
      this.#unflushed.push({ commit, resolve, reject });
      this.#flush();
    });
  }

  /** Everything or nothing. */
  async batch(statements: Statements, mode?: TransactionMode): Promise<ResultSet[]> {
    const defer = this.#defer;
    if (mode === 'read') return this.#whole('BEGIN', () => this.#each(statements));
    if (!defer || mode !== 'write') {
      const results = this.#whole('BEGIN IMMEDIATE', () => this.#each(statements));
      await this.durable();
      return results;
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ statements, resolve, reject });
      if (this.#waiting.length === 1) defer(() => this.#writeWaiting());
    });
  }

  /** Only the values of each row, in the order of the columns. */
  rows(sql: string, values: InValue[]): readonly InValue[][] {
    // Sound: a statement in raw mode gives the values of each row as a list.
    return this.#open(sql).statement.all(values.map(bindable)) as InValue[][];
  }

  close(): void {
    if (!this.#database.open) return;
    this.#writeWaiting();
    this.#statements.clear();
    try {
      // All in one file again, which somebody may copy: libsql leaves that to whoever opens it next.
      this.#run('PRAGMA wal_checkpoint(TRUNCATE)');
    } catch {
      // Somebody reads still, or the disk is full: it stays in the log beside the file, and nothing of it is lost.
    }
    this.#database.close();
    // Who still waits to hear that it is on disk does so, and then the log is left alone.
    this.#flush();
  }

  #writeWaiting(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    if (waiting.length === 0) return;
    try {
      const settle = this.#whole('BEGIN IMMEDIATE', () => waiting.map((each) => this.#part(each)));
      const tell = (): void => {
        for (const told of settle) told();
      };
      const fail = (error: unknown): void => {
        for (const { reject } of waiting) reject(error);
      };
      // Once it is on disk they may be told.
      if (this.#log) this.durable().then(tell, fail);
      else tell();
    } catch (error) {
      for (const { reject } of waiting) reject(error);
    }
  }

  /** One of several in a transaction; what goes wrong in it undoes nothing of the others. */
  #part({ statements, resolve, reject }: Waiting): () => void {
    this.#run('SAVEPOINT part');
    try {
      const results = this.#each(statements);
      this.#run('RELEASE part');
      return () => resolve(results);
    } catch (error) {
      // A full disk, for one, has ended the whole transaction.
      if (!this.#database.inTransaction) throw error;
      this.#run('ROLLBACK TO part');
      this.#run('RELEASE part');
      return () => reject(error);
    }
  }

  #whole<T>(begin: string, act: () => T): T {
    this.#run(begin);
    try {
      const result = act();
      this.#run('COMMIT');
      this.#commits += 1;
      return result;
    } finally {
      // Some errors have ended the transaction already, some have not.
      if (this.#database.open && this.#database.inTransaction) this.#run('ROLLBACK');
    }
  }

  #each(statements: Statements): ResultSet[] {
    return statements.map((statement) => {
      if (typeof statement === 'string') return this.#run(statement);
      return Array.isArray(statement) ? this.#run(...statement) : this.#run(statement.sql, statement.args);
    });
  }

  /** One at a time, and again for what was committed meanwhile. */
  #flush(): void {
    if (this.#isFlushing) return;
    if (this.#unflushed.length === 0) {
      if (!this.#database.open) this.#log?.close();
      return;
    }
    const upTo = this.#commits;
    this.#isFlushing = true;
    this.#log?.flush((error) => {
      this.#isFlushing = false;
      // What a disk has failed to write once it may claim to have written the next time: only a restart shows what is there.
      this.#lost ??= error && new Error('the database could not be written to disk', { cause: error });
      if (!this.#lost) this.#flushed = upTo;
      const told = this.#unflushed;
      this.#unflushed = this.#lost ? [] : told.filter(({ commit }) => commit > upTo);
      for (const { commit, resolve, reject } of told) {
        if (this.#lost) reject(this.#lost);
        else if (commit <= upTo) resolve();
      }
      this.#flush();
    });
  }

  readonly migrate = refused;
  readonly transaction = refused;
  readonly executeMultiple = refused;
  readonly sync = refused;
  readonly reconnect = refused;

  #open(sql: string): Prepared {
    if (!this.#database.open) throw new Error('the database is closed');
    return this.#prepared(sql);
  }

  #run(sql: string, values: InArgs = []): ResultSet {
    if (!Array.isArray(values)) throw new Error('values are told apart by their place, not by a name');
    const { statement, columns } = this.#open(sql);
    const bound = values.map(bindable);
    if (!columns) return result([], [], statement.run(bound).changes);
    // Sound: in raw mode each row is the list of its values, and columns give them names.
    const rows = (statement.all(bound) as (Row & InValue[])[]).map((row) => {
      for (let index = 0; index < columns.length; index += 1) row[columns[index] ?? ''] = row[index] ?? null;
      return row;
    });
    return result([...columns], rows, 0);
  }

  #prepared(sql: string): Prepared {
    const known = this.#statements.get(sql);
    if (known) {
      this.#statements.delete(sql);
      this.#statements.set(sql, known);
      return known;
    }
    const statement = this.#database.prepare(sql);
    const columns = statement.reader ? statement.columns().map(({ name }) => name) : null;
    if (columns) statement.raw(true);
    const prepared = { statement, columns };
    // What defines the schema runs once, and must not hold on to it.
    if (!/^\s*(SELECT|INSERT|UPDATE|DELETE|WITH|BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE)\b/i.test(sql)) return prepared;
    this.#statements.set(sql, prepared);
    const [oldest] = this.#statements.keys();
    if (this.#statements.size > STATEMENTS_MAX && oldest !== undefined) this.#statements.delete(oldest);
    return prepared;
  }
}

const result = (columns: string[], rows: Row[], rowsAffected: number): ResultSet => ({
  columns,
  columnTypes: [],
  rows,
  rowsAffected,
  lastInsertRowid: undefined,
  toJSON: () => ({ columns, rows, rowsAffected }),
});

/** SQLite knows neither truth nor dates. */
function bindable(value: InValue): unknown {
  if (typeof value === 'boolean') return value ? 1 : 0;
  return value instanceof Date ? value.getTime() : value;
}

async function refused(): Promise<never> {
  throw new Error('the store does without this');
}
