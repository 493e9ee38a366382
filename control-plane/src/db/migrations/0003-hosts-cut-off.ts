/** Hosts that are cut off, change their key, or are not who they were; and the keys of those that were forgotten. */
export const sql = `
ALTER TABLE host ADD COLUMN previous_key TEXT
--
ALTER TABLE host ADD COLUMN revoked_at_ms INTEGER
--
ALTER TABLE host ADD COLUMN run TEXT
--
ALTER TABLE host ADD COLUMN previous_run TEXT
--
ALTER TABLE host ADD COLUMN clone_seen_at_ms INTEGER
--
ALTER TABLE host ADD COLUMN clock_ahead_ms INTEGER
--
CREATE TABLE forgotten_host (id TEXT NOT NULL, public_key TEXT PRIMARY KEY, name TEXT NOT NULL, by_user TEXT NOT NULL, at_ms INTEGER NOT NULL)
--
CREATE INDEX forgotten_host_id ON forgotten_host (id)
`;
