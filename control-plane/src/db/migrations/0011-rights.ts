/**
 * Rights: groups, roles of one's own, grants on scopes, pools. A role that a user had until now becomes a grant on everything. The counter
 * `access` rises with each change, so that what decisions rest on is read anew only then. A thing that goes leaves with its event where it
 * was, for those who saw it by its tag, its pool or its host.
 */
export const sql = `
CREATE TABLE access_group (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, notes TEXT NOT NULL DEFAULT '', directory TEXT, created_at_ms INTEGER NOT NULL)
--
CREATE TABLE group_member (group_id TEXT NOT NULL, user_id TEXT NOT NULL, PRIMARY KEY (group_id, user_id)) WITHOUT ROWID
--
CREATE INDEX group_member_user ON group_member (user_id)
--
CREATE TABLE access_role (name TEXT PRIMARY KEY, privileges TEXT NOT NULL, created_at_ms INTEGER NOT NULL) WITHOUT ROWID
--
CREATE TABLE access_grant (
  id TEXT PRIMARY KEY, principal_kind TEXT NOT NULL, principal_id TEXT NOT NULL, role TEXT NOT NULL, scope TEXT NOT NULL,
  inherit INTEGER NOT NULL, until_ms INTEGER, by_user TEXT NOT NULL, created_at_ms INTEGER NOT NULL,
  UNIQUE (principal_kind, principal_id, role, scope)
)
--
CREATE INDEX access_grant_scope ON access_grant (scope)
--
CREATE TABLE pool (
  path TEXT PRIMARY KEY, notes TEXT NOT NULL DEFAULT '', quota TEXT NOT NULL DEFAULT '{}', version INTEGER NOT NULL DEFAULT 1,
  created_at_ms INTEGER NOT NULL
)
--
CREATE TABLE pool_member (kind TEXT NOT NULL, id TEXT NOT NULL, pool TEXT NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID
--
CREATE INDEX pool_member_pool ON pool_member (pool, kind, id)
--
CREATE TRIGGER pool_member_gone AFTER DELETE ON resource WHEN old.kind IN ('guest', 'storage', 'network') BEGIN
  DELETE FROM pool_member WHERE kind = old.kind AND id = old.id;
END
--
ALTER TABLE event ADD COLUMN was TEXT
--
INSERT INTO access_grant (id, principal_kind, principal_id, role, scope, inherit, until_ms, by_user, created_at_ms)
  SELECT 'grant_' || lower(hex(randomblob(10))), 'user', id, CASE role WHEN 'viewer' THEN 'auditor' ELSE role END, '/', 1, NULL, name, created_at_ms FROM user
--
ALTER TABLE token ADD COLUMN own_grants_only INTEGER NOT NULL DEFAULT 0
--
UPDATE token SET own_grants_only = 1 WHERE kind = 'api' AND role <> (SELECT user.role FROM user WHERE user.id = token.user_id)
--
INSERT INTO access_grant (id, principal_kind, principal_id, role, scope, inherit, until_ms, by_user, created_at_ms)
  SELECT 'grant_' || lower(hex(randomblob(10))), 'token', id, CASE role WHEN 'viewer' THEN 'auditor' ELSE role END, '/', 1, NULL, name, created_at_ms
    FROM token WHERE own_grants_only = 1
--
ALTER TABLE user DROP COLUMN role
--
ALTER TABLE token DROP COLUMN role
--
INSERT INTO counter (name, value) VALUES ('access', 1)
${['access_group', 'group_member', 'access_role', 'access_grant', 'pool', 'user', 'token'].map(triggersOf).join('')}`;

/** Of tokens, only those of programs have grants; and when one was last used, or what a user is called, changes no right. */
function triggersOf(table: string): string {
  const changes = table === 'user' || table === 'token' || table === 'pool' ? ['INSERT', 'DELETE'] : ['INSERT', 'UPDATE', 'DELETE'];
  return changes
    .map((change) => {
      const row = change === 'INSERT' ? 'new' : 'old';
      const when = table === 'token' ? ` WHEN ${row}.kind = 'api'` : '';
      return `--
CREATE TRIGGER ${table}_${change.toLowerCase()}_concerns_access AFTER ${change} ON ${table}${when} BEGIN
  UPDATE counter SET value = value + 1 WHERE name = 'access';
END
`;
    })
    .join('');
}
