import type { Reach } from '@drover/shared/access/reach';
import type { ListGuests } from '@drover/shared/api/requests';
import { type SQL, sql } from 'drizzle-orm';
import { guestWithin } from './within.ts';

/** Which guests a list shows: the question for the ids of one page and one guest more, and the question for how many there are in all. */
export interface Selection {
  readonly ids: SQL;
  readonly total: SQL;
}

interface Source {
  readonly table: SQL;
  readonly id: SQL;
}

const INDEX: Source = { table: sql`guest_index`, id: sql`guest_index.id` };
const TEXT: Source = { table: sql`guest_text`, id: sql`guest_text.id` };
const SEARCH: Source = { table: sql`guest_search`, id: sql`guest_search.rowid` };
const TAG: Source = { table: sql`guest_tag`, id: sql`guest_tag.id` };

/** Every source gives its ids in their order, so that a page is read and not sorted; the first that is asked narrows most. */
export function selectionOf(filter: ListGuests, reach: Reach | null = null): Selection {
  const words = (filter.search ?? '').toLowerCase().split(/\s+/).filter(Boolean);
  // The guests of one host are few: each is looked at.
  const areFew = filter.host !== undefined || filter.name !== undefined;
  const indexed = areFew ? [] : words.filter((word) => [...word].length >= TRIGRAM);
  const others = words.filter((word) => !indexed.includes(word));
  const sources: Source[] = [
    ...(areFew ? [INDEX] : []),
    ...(indexed.length > 0 ? [SEARCH] : []),
    ...(filter.tag === undefined ? [] : [TAG]),
    ...(!areFew && (filter.type !== undefined || filter.state !== undefined) ? [INDEX] : []),
    ...(others.length > 0 ? [TEXT] : []),
  ];
  const [first = INDEX, ...rest] = sources;
  const where = [
    reach !== null && guestWithin(reach, first.id),
    filter.name !== undefined && sql`guest_index.name = ${filter.name}`,
    filter.host !== undefined && sql`guest_index.host_id = ${hostIdOf(filter.host)}`,
    filter.type !== undefined && sql`${plus(areFew)}guest_index.type = ${filter.type}`,
    filter.state !== undefined && sql`${plus(areFew)}guest_index.observed_power = ${filter.state}`,
    indexed.length > 0 && sql`guest_search MATCH ${indexed.map(quoted).join(' AND ')}`,
    filter.tag !== undefined && sql`guest_tag.tag = ${filter.tag}`,
    ...others.map((word) => sql`(instr(guest_text.words, ${word}) > 0 OR instr(guest_text.addresses, ${word}) > 0)`),
  ].filter((clause) => clause !== false);
  // CROSS JOIN keeps the order of the sources.
  const from = sql.join([first.table, ...rest.map(({ table, id }) => sql` CROSS JOIN ${table} ON ${id} = ${first.id}`)]);
  const after = filter.after === undefined ? [] : [sql`${first.id} > ${Number(filter.after)}`];
  return {
    ids: sql`SELECT ${first.id} AS id FROM ${from} ${all([...where, ...after])} ORDER BY ${first.id} LIMIT ${filter.limit + 1}`,
    total: reach === null && isCounted(filter) ? totalOf(filter) : sql`SELECT count(*) AS total FROM ${from} ${all(where)}`,
  };
}

/** Shorter words are in no index: the text of every guest is looked through for them. */
const TRIGRAM = 3;
const quoted = (word: string): string => `"${word.replaceAll('"', '""').replaceAll('\0', ' ')}"`;

const all = (clauses: readonly SQL[]): SQL => (clauses.length === 0 ? sql`` : sql`WHERE ${sql.join([...clauses], sql` AND `)}`);
/** Keeps this clause's own index from being taken for the first. */
const plus = (isWanted: boolean): SQL => (isWanted ? sql`+` : sql``);
const hostIdOf = (ref: string): SQL => sql`(SELECT id FROM host WHERE id = ${ref} OR name = ${ref})`;

const isCounted = ({ name, tag, search }: ListGuests): boolean =>
  name === undefined && tag === undefined && (search === undefined || search.trim() === '');

function totalOf({ host, type, state }: ListGuests): SQL {
  const where = [
    host !== undefined && sql`host_id = ${hostIdOf(host)}`,
    type !== undefined && sql`type = ${type}`,
    state !== undefined && sql`observed_power = ${state}`,
  ].filter((clause) => clause !== false);
  return sql`SELECT coalesce(sum(guests), 0) AS total FROM guest_count ${all(where)}`;
}
