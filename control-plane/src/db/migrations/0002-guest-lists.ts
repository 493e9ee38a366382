const splitTags = (row: 'old' | 'new'): string => `json_each('["' || replace(trim(${row}.tags), ' ', '","') || '"]')`;
const TAG = `INSERT OR IGNORE INTO guest_tag SELECT value, new.id FROM ${splitTags('new')} WHERE new.tags <> '';`;
const UNTAG = `DELETE FROM guest_tag WHERE id = old.id AND tag IN (SELECT value FROM ${splitTags('old')});`;
const SAME_COUNT = 'host_id = old.host_id AND type = old.type AND wished_power = old.wished_power AND observed_power = old.observed_power';
const COUNT = `INSERT INTO guest_count VALUES (new.host_id, new.type, new.wished_power, new.observed_power, 1, new.memory_bytes)
    ON CONFLICT DO UPDATE SET guests = guests + 1, memory_bytes = memory_bytes + excluded.memory_bytes;`;
const UNCOUNT = `UPDATE guest_count SET guests = guests - 1, memory_bytes = memory_bytes - old.memory_bytes WHERE ${SAME_COUNT};
  DELETE FROM guest_count WHERE ${SAME_COUNT} AND guests = 0;`;

/** What lists of guests are asked for lies in the order that they have, and is counted as it changes: no list reads more than it shows. */
export const sql = `
DROP TRIGGER guest_index_inserted
--
DROP TRIGGER guest_index_deleted
--
DROP TRIGGER guest_index_updated
--
DROP TABLE guest_search
--
CREATE TABLE guest_text (id INTEGER PRIMARY KEY, words TEXT NOT NULL, addresses TEXT NOT NULL)
--
INSERT INTO guest_text SELECT id, words, addresses FROM guest_index
--
CREATE VIRTUAL TABLE guest_search USING fts5 (words, addresses, content = 'guest_text', content_rowid = 'id', tokenize = 'trigram')
--
INSERT INTO guest_search (guest_search) VALUES ('rebuild')
--
CREATE TRIGGER guest_text_inserted AFTER INSERT ON guest_text BEGIN
  INSERT INTO guest_search (rowid, words, addresses) VALUES (new.id, new.words, new.addresses);
END
--
CREATE TRIGGER guest_text_deleted AFTER DELETE ON guest_text BEGIN
  INSERT INTO guest_search (guest_search, rowid, words, addresses) VALUES ('delete', old.id, old.words, old.addresses);
END
--
CREATE TRIGGER guest_text_updated AFTER UPDATE ON guest_text WHEN old.words IS NOT new.words OR old.addresses IS NOT new.addresses BEGIN
  INSERT INTO guest_search (guest_search, rowid, words, addresses) VALUES ('delete', old.id, old.words, old.addresses);
  INSERT INTO guest_search (rowid, words, addresses) VALUES (new.id, new.words, new.addresses);
END
--
DROP INDEX guest_index_host
--
DROP INDEX guest_index_power
--
ALTER TABLE guest_index DROP COLUMN words
--
ALTER TABLE guest_index DROP COLUMN addresses
--
CREATE INDEX guest_index_host ON guest_index (host_id)
--
CREATE INDEX guest_index_power ON guest_index (observed_power)
--
CREATE INDEX guest_index_type_power ON guest_index (type, observed_power)
--
CREATE TABLE guest_tag (tag TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (tag, id)) WITHOUT ROWID
--
INSERT OR IGNORE INTO guest_tag SELECT value, new.id FROM guest_index new, ${splitTags('new')} WHERE new.tags <> ''
--
CREATE TABLE guest_count (
  host_id TEXT NOT NULL, type TEXT NOT NULL, wished_power TEXT NOT NULL, observed_power TEXT NOT NULL,
  guests INTEGER NOT NULL, memory_bytes INTEGER NOT NULL, PRIMARY KEY (host_id, type, wished_power, observed_power)
) WITHOUT ROWID
--
INSERT INTO guest_count SELECT host_id, type, wished_power, observed_power, count(*), sum(memory_bytes) FROM guest_index GROUP BY 1, 2, 3, 4
--
CREATE TRIGGER guest_index_inserted AFTER INSERT ON guest_index BEGIN
  ${COUNT}
  ${TAG}
END
--
CREATE TRIGGER guest_index_deleted AFTER DELETE ON guest_index BEGIN
  ${UNCOUNT}
  ${UNTAG}
END
--
CREATE TRIGGER guest_index_moved AFTER UPDATE ON guest_index
  WHEN (old.host_id, old.type, old.wished_power, old.observed_power, old.memory_bytes)
    IS NOT (new.host_id, new.type, new.wished_power, new.observed_power, new.memory_bytes) BEGIN
  ${UNCOUNT}
  ${COUNT}
END
--
CREATE TRIGGER guest_index_retagged AFTER UPDATE ON guest_index WHEN old.tags IS NOT new.tags BEGIN
  ${UNTAG}
  ${TAG}
END
`;
