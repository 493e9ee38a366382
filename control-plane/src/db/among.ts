import { type Placeholder, type SQL, sql } from 'drizzle-orm';

/** What stands behind IN: however long the list, it is one parameter. `list`: a placeholder is for the list as JSON. */
export const among = (list: readonly string[] | Placeholder): SQL =>
  sql`(SELECT value FROM json_each(${Array.isArray(list) ? JSON.stringify(list) : list}))`;

/** What stands behind IN: the ids of the hosts whose settings have this tag. */
export const hostsTagged = (tag: string): SQL =>
  sql`(SELECT r.id FROM resource r, json_each(r.spec, '$.tags') AS tag WHERE r.kind = 'host' AND tag.value = ${tag})`;
