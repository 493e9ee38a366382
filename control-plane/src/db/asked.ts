import type { Client, InValue } from '@libsql/client';
import { Column, getTableColumns, is, type Placeholder, SQL, Table } from 'drizzle-orm';
import { LocalClient } from './local-client.ts';

/** A question that was put into words once, with `sql.placeholder` where its values go. */
export interface Question<T> {
  readonly sql: string;
  all(values?: Readonly<Record<string, string | number>>): Promise<T[]>;
}

/** What Drizzle gives for `db.select(fields).from(…)…`. */
export interface Query<T> {
  toSQL(): { readonly sql: string; readonly params: readonly unknown[] };
  readonly _: { readonly selectedFields: unknown; readonly result: readonly T[] };
}
interface Fields {
  readonly [name: string]: unknown;
}
type Cells = readonly unknown[];
type Decode = (cells: Cells) => unknown;

/**
 * Drizzle puts the question into words and knows what each column holds; the rows are read here. Its own way from a row to an object
 * looks at every field anew for every row, which takes longer than SQLite needs to find it.
 */
export function asked<T>(client: Client, query: Query<T>): Question<T> {
  const { sql, params } = query.toSQL();
  // Sound: what was selected is what Drizzle takes for fields.
  const read = readerOf(query._.selectedFields as Fields, { next: 0 });
  const argsOf = (values: Readonly<Record<string, string | number>>): InValue[] =>
    // Sound: what is no placeholder was made by Drizzle for this very driver.
    params.map((param) => (isPlaceholder(param) ? (values[param.name] ?? null) : (param as InValue)));
  const rows = async (args: InValue[]): Promise<readonly Cells[]> =>
    client instanceof LocalClient ? client.rows(sql, args) : (await client.execute({ sql, args })).rows.map((row) => Array.from(row));
  // Sound: the fields that are read are those that the query's own type was made from.
  return { sql, all: async (values = {}) => (await rows(argsOf(values))).map((cells) => read(cells) as T) };
}

const isPlaceholder = (param: unknown): param is Placeholder => typeof param === 'object' && param !== null && 'name' in param;

/** Fields lie in a row in the order in which they are named, those of a table where the table is named. */
function readerOf(fields: Fields, place: { next: number }): Decode {
  const parts = Object.entries(fields).map(([name, field]): readonly [string, Decode] => [name, decoderOf(field, place)]);
  return (cells) => {
    const row: Record<string, unknown> = {};
    for (const [name, decode] of parts) row[name] = decode(cells);
    return row;
  };
}

function decoderOf(field: unknown, place: { next: number }): Decode {
  if (is(field, Column)) return columnAt(field, place.next++);
  if (is(field, SQL)) {
    const at = place.next++;
    return (cells) => cells[at];
  }
  const first = place.next;
  // Sound: Drizzle selects columns, expressions, tables, and objects of these.
  const read = readerOf(is(field, Table) ? getTableColumns(field) : (field as Fields), place);
  const last = place.next;
  // A row of a table that was joined and has nothing to say.
  return (cells) => (isEmpty(cells, first, last) ? null : read(cells));
}

function columnAt(column: Column, at: number): Decode {
  const { dataType } = column;
  if (dataType === 'string' || dataType === 'number') return (cells) => cells[at];
  return (cells) => {
    const value = cells[at];
    return value === null ? null : column.mapFromDriverValue(value);
  };
}

function isEmpty(cells: Cells, first: number, last: number): boolean {
  for (let at = first; at < last; at += 1) if (cells[at] !== null) return false;
  return true;
}
