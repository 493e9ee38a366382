/** Statements are separated by a line that holds nothing but "--". */
export const sql = `
CREATE TABLE resource (
  kind TEXT NOT NULL, id TEXT NOT NULL, host_id TEXT NOT NULL,
  generation INTEGER NOT NULL, acked_generation INTEGER NOT NULL DEFAULT 0, applied_generation INTEGER NOT NULL DEFAULT 0,
  name TEXT NOT NULL, variant TEXT NOT NULL DEFAULT '', spec TEXT NOT NULL, status TEXT, deletion TEXT, created_at_ms INTEGER NOT NULL,
  PRIMARY KEY (kind, id)
)
--
CREATE INDEX resource_host ON resource (host_id, kind)
--
CREATE UNIQUE INDEX resource_name_on_host ON resource (kind, host_id, name, variant) WHERE kind IN ('image', 'storage', 'network')
--
CREATE INDEX resource_name ON resource (kind, name, id)
--
CREATE INDEX resource_pending ON resource (host_id, created_at_ms) WHERE generation > acked_generation
--
CREATE TABLE resource_version (
  kind TEXT NOT NULL, id TEXT NOT NULL, generation INTEGER NOT NULL,
  spec TEXT NOT NULL, deletion TEXT, by_user TEXT NOT NULL, at_ms INTEGER NOT NULL,
  PRIMARY KEY (kind, id, generation)
) WITHOUT ROWID
--
CREATE TABLE guard (ok INTEGER NOT NULL CHECK (ok = 1))
--
CREATE TABLE guest_index (
  id INTEGER PRIMARY KEY, host_id TEXT NOT NULL, type TEXT NOT NULL, name TEXT NOT NULL,
  wished_power TEXT NOT NULL, observed_power TEXT NOT NULL, memory_bytes INTEGER NOT NULL,
  tags TEXT NOT NULL, words TEXT NOT NULL, addresses TEXT NOT NULL
)
--
CREATE UNIQUE INDEX guest_index_name ON guest_index (name)
--
CREATE INDEX guest_index_host ON guest_index (host_id, wished_power, observed_power, memory_bytes)
--
CREATE INDEX guest_index_power ON guest_index (observed_power, type)
--
CREATE INDEX guest_index_type ON guest_index (type)
--
CREATE VIRTUAL TABLE guest_search USING fts5 (words, addresses, content = 'guest_index', content_rowid = 'id', tokenize = 'trigram')
--
CREATE TRIGGER guest_index_inserted AFTER INSERT ON guest_index BEGIN
  INSERT INTO guest_search (rowid, words, addresses) VALUES (new.id, new.words, new.addresses);
END
--
CREATE TRIGGER guest_index_deleted AFTER DELETE ON guest_index BEGIN
  INSERT INTO guest_search (guest_search, rowid, words, addresses) VALUES ('delete', old.id, old.words, old.addresses);
END
--
CREATE TRIGGER guest_index_updated AFTER UPDATE ON guest_index WHEN old.words IS NOT new.words OR old.addresses IS NOT new.addresses BEGIN
  INSERT INTO guest_search (guest_search, rowid, words, addresses) VALUES ('delete', old.id, old.words, old.addresses);
  INSERT INTO guest_search (rowid, words, addresses) VALUES (new.id, new.words, new.addresses);
END
--
CREATE TABLE host (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, public_key TEXT NOT NULL, cell TEXT NOT NULL,
  boot INTEGER NOT NULL DEFAULT 0, sequence INTEGER NOT NULL DEFAULT 0, session TEXT, connected INTEGER NOT NULL DEFAULT 0,
  heard_at_ms INTEGER, progress_at_ms INTEGER, as_of_ms INTEGER NOT NULL DEFAULT 0, inventory TEXT, orphans TEXT NOT NULL DEFAULT '[]',
  enrolled_at_ms INTEGER NOT NULL
)
--
CREATE UNIQUE INDEX host_name ON host (name)
--
CREATE TABLE task (
  id TEXT PRIMARY KEY, verb TEXT NOT NULL, purpose TEXT NOT NULL, spec TEXT NOT NULL, title TEXT NOT NULL,
  target_kind TEXT NOT NULL, target_id TEXT NOT NULL, target_name TEXT NOT NULL, host_id TEXT,
  state TEXT NOT NULL, created_by TEXT NOT NULL, created_at_ms INTEGER NOT NULL, finished_at_ms INTEGER, deadline_at_ms INTEGER,
  problem TEXT, result TEXT, activity TEXT, waiting_for TEXT, image_id TEXT, image_made INTEGER NOT NULL DEFAULT 0
)
--
CREATE INDEX task_of_host ON task (host_id) WHERE finished_at_ms IS NULL
--
CREATE INDEX task_of_target ON task (target_kind, target_id, created_at_ms)
--
CREATE INDEX task_newest ON task (created_at_ms, id)
--
CREATE INDEX task_active ON task (created_at_ms, id) WHERE finished_at_ms IS NULL
--
CREATE INDEX task_deadline ON task (deadline_at_ms) WHERE finished_at_ms IS NULL AND deadline_at_ms IS NOT NULL
--
CREATE TABLE task_log (cursor INTEGER PRIMARY KEY AUTOINCREMENT, task_id TEXT NOT NULL, at_ms INTEGER NOT NULL, line TEXT NOT NULL)
--
CREATE INDEX task_log_of_task ON task_log (task_id, cursor)
--
CREATE TABLE event (cursor INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, id TEXT NOT NULL, gone INTEGER NOT NULL, at_ms INTEGER NOT NULL)
--
CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL)
--
INSERT INTO counter VALUES ('guest', 100)
--
CREATE TABLE user (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, role TEXT NOT NULL, created_at_ms INTEGER NOT NULL)
--
CREATE TABLE token (
  id TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, name TEXT NOT NULL, user_id TEXT NOT NULL, role TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL, last_used_at_ms INTEGER, expires_at_ms INTEGER
)
--
CREATE UNIQUE INDEX token_name ON token (user_id, name) WHERE kind = 'api'
--
CREATE TABLE link (hash TEXT PRIMARY KEY, user_id TEXT NOT NULL, expires_at_ms INTEGER NOT NULL, used_at_ms INTEGER)
--
CREATE TABLE enrolment (
  token_hash TEXT PRIMARY KEY, name TEXT, created_by TEXT NOT NULL, expires_at_ms INTEGER NOT NULL, used_by_host_id TEXT
)
--
CREATE TABLE idempotency (
  user_id TEXT NOT NULL, key TEXT NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL, body_digest TEXT NOT NULL,
  answer TEXT NOT NULL, at_ms INTEGER NOT NULL, PRIMARY KEY (user_id, key)
) WITHOUT ROWID
--
CREATE TABLE upload (id TEXT PRIMARY KEY, host_id TEXT NOT NULL, size_bytes INTEGER NOT NULL, sha256 TEXT NOT NULL, created_at_ms INTEGER NOT NULL)
`;
