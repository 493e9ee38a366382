import type { InValue } from '@libsql/client';
import { getTableColumns, getTableName } from 'drizzle-orm';
import { toSnakeCase } from 'drizzle-orm/casing';
import type { SQLiteTable } from 'drizzle-orm/sqlite-core';

/** Writes as text and values. A query builder would put the same few texts together anew for every report of every host. */
export interface Statement {
  readonly sql: string;
  readonly args: InValue[];
}

interface Field {
  readonly name: string;
  encode(value: unknown): InValue;
}

/** `more`: what follows the values, such as ON CONFLICT. */
export function insert<T extends SQLiteTable>(table: T, row: T['$inferInsert'], more = ''): Statement {
  const { names, args } = given(table, row);
  return { sql: `INSERT INTO ${getTableName(table)} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})${more}`, args };
}

/** `where`: all of these hold; null: there is nothing. */
export function update<T extends SQLiteTable>(table: T, set: Partial<T['$inferSelect']>, where: Partial<T['$inferSelect']>): Statement {
  const { names, args } = given(table, set);
  const condition = conditionOf(table, where);
  const assignments = names.map((name) => `${name} = ?`).join(', ');
  return { sql: `UPDATE ${getTableName(table)} SET ${assignments} WHERE ${condition.sql}`, args: [...args, ...condition.args] };
}

export function remove<T extends SQLiteTable>(table: T, where: Partial<T['$inferSelect']>): Statement {
  const condition = conditionOf(table, where);
  return { sql: `DELETE FROM ${getTableName(table)} WHERE ${condition.sql}`, args: condition.args };
}

/** The batch conflicts unless there is such a row: nothing else of it is written then. */
export function guard(table: SQLiteTable, condition: string, ...args: InValue[]): Statement {
  return { sql: `INSERT INTO guard SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM ${getTableName(table)} WHERE ${condition})`, args };
}

function conditionOf(table: SQLiteTable, where: object): Statement {
  const { names, args } = given(table, where);
  return {
    sql: names.map((name, index) => (args[index] === null ? `${name} IS NULL` : `${name} = ?`)).join(' AND '),
    args: args.filter((value) => value !== null),
  };
}

function given(table: SQLiteTable, row: object): { names: string[]; args: InValue[] } {
  const fields = fieldsOf(table);
  const names: string[] = [];
  const args: InValue[] = [];
  for (const [key, value] of Object.entries(row)) {
    const field = fields.get(key);
    if (value === undefined || !field) continue;
    names.push(field.name);
    args.push(value === null ? null : field.encode(value));
  }
  return { names, args };
}

const known = new WeakMap<SQLiteTable, ReadonlyMap<string, Field>>();

function fieldsOf(table: SQLiteTable): ReadonlyMap<string, Field> {
  const before = known.get(table);
  if (before) return before;
  const fields = new Map(
    Object.entries(getTableColumns(table)).map(([key, column]): [string, Field] => [
      key,
      // Sound: a driver value is what SQLite takes.
      { name: toSnakeCase(column.name), encode: (value) => column.mapToDriverValue(value) as InValue },
    ]),
  );
  known.set(table, fields);
  return fields;
}
