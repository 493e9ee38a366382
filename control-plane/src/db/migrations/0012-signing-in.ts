/** How people prove who they are: passwords, codes, passkeys, directories. Sessions say where they were begun, and end when idle. */
export const sql = `
ALTER TABLE user ADD COLUMN disabled_at_ms INTEGER
--
ALTER TABLE user ADD COLUMN disabled_because TEXT
--
ALTER TABLE token ADD COLUMN idle_ms INTEGER
--
ALTER TABLE token ADD COLUMN setup_only INTEGER NOT NULL DEFAULT 0
--
ALTER TABLE token ADD COLUMN way TEXT
--
ALTER TABLE token ADD COLUMN device TEXT
--
ALTER TABLE token ADD COLUMN address TEXT
--
CREATE INDEX token_user ON token (user_id, kind)
--
CREATE TABLE password (user_id TEXT PRIMARY KEY, hash TEXT NOT NULL, set_at_ms INTEGER NOT NULL)
--
CREATE TABLE totp (
  user_id TEXT PRIMARY KEY, seed TEXT NOT NULL, begun_at_ms INTEGER NOT NULL, confirmed_at_ms INTEGER,
  last_step INTEGER NOT NULL, wrong INTEGER NOT NULL
)
--
CREATE TABLE recovery_code (
  user_id TEXT NOT NULL, hash TEXT NOT NULL, made_at_ms INTEGER NOT NULL, used_at_ms INTEGER, PRIMARY KEY (user_id, hash)
)
--
CREATE TABLE passkey (
  id TEXT PRIMARY KEY, user_id TEXT NOT NULL, name TEXT NOT NULL, public_key TEXT NOT NULL, counter INTEGER NOT NULL,
  transports TEXT NOT NULL, site TEXT NOT NULL, backed_up INTEGER NOT NULL, created_at_ms INTEGER NOT NULL, last_used_at_ms INTEGER
)
--
CREATE UNIQUE INDEX passkey_name ON passkey (user_id, name)
--
CREATE TABLE sign_in_ticket (
  hash TEXT PRIMARY KEY, purpose TEXT NOT NULL, user_id TEXT, facts TEXT NOT NULL, expires_at_ms INTEGER NOT NULL
)
--
CREATE TABLE known_address (user_id TEXT NOT NULL, address TEXT NOT NULL, last_at_ms INTEGER NOT NULL, PRIMARY KEY (user_id, address))
--
CREATE TABLE identity_setting (name TEXT PRIMARY KEY, value TEXT NOT NULL)
--
CREATE TABLE directory (
  id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, settings TEXT NOT NULL, secrets TEXT NOT NULL,
  enabled INTEGER NOT NULL, created_at_ms INTEGER NOT NULL, synced_at_ms INTEGER
)
--
CREATE TABLE directory_user (
  directory_id TEXT NOT NULL, subject TEXT NOT NULL, user_id TEXT NOT NULL, groups TEXT NOT NULL, seen_at_ms INTEGER NOT NULL,
  PRIMARY KEY (directory_id, subject)
)
--
CREATE INDEX directory_user_user ON directory_user (user_id)
--
CREATE TRIGGER user_identity_gone AFTER DELETE ON user BEGIN
  DELETE FROM password WHERE user_id = old.id;
  DELETE FROM totp WHERE user_id = old.id;
  DELETE FROM recovery_code WHERE user_id = old.id;
  DELETE FROM passkey WHERE user_id = old.id;
  DELETE FROM sign_in_ticket WHERE user_id = old.id;
  DELETE FROM known_address WHERE user_id = old.id;
  DELETE FROM directory_user WHERE user_id = old.id;
END
`;
