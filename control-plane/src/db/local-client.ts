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

/**
 * A database of this machine, over one connection that keeps its statements prepared: the client that libSQL comes with
 * compiles each anew and asks twice for the names of its columns, which takes ten times as long as the question itself.
 * Every call is carried out at once and settles in microtasks, but for batches that write, where `defer` is given: those that
 * are asked for until it calls back are synced to disk together, each still whole or not at all, and by itself.
 */
export class LocalClient implements Client {
  readonly protocol = 'file';
  readonly #database: Database.Database;
  readonly #statements = new Map<string, Prepared>();
  readonly #defer: Defer | null;
  #waiting: Waiting[] = [];

  /** `path`: a file, or ':memory:'. `busyMs`: how long to wait for another process that writes. */
  constructor(path: string, busyMs: number, defer: Defer | null = null) {
    this.#database = new Database(path, { timeout: busyMs });
    this.#defer = defer;
  }

  get closed(): boolean {
    return !this.#database.open;
  }

  async execute(statement: InStatement, values?: InArgs): Promise<ResultSet> {
    return typeof statement === 'string' ? this.#run(statement, values) : this.#run(statement.sql, statement.args);
  }

  /** Everything or nothing. */
  async batch(statements: Statements, mode?: TransactionMode): Promise<ResultSet[]> {
    const defer = this.#defer;
    if (mode !== 'write') return this.#whole('BEGIN', () => this.#each(statements));
    if (!defer) return this.#whole('BEGIN IMMEDIATE', () => this.#each(statements));
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
  }

  #writeWaiting(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    if (waiting.length === 0) return;
    try {
      const settle = this.#whole('BEGIN IMMEDIATE', () => waiting.map((each) => this.#part(each)));
      // On disk: now they may be told.
      for (const tell of settle) tell();
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
