/**
 * The record of who did what, written in the commit of what was done; and the hashes that bind each entry to all before it, worked out just
 * after, so that no commit waits for another to be numbered. Neither is ever changed or trimmed by Drover: the triggers say so to
 * whoever else tries.
 */
export const sql = `
CREATE TABLE audit (number INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, who TEXT NOT NULL, kind TEXT, thing TEXT, facts TEXT NOT NULL)
--
CREATE INDEX audit_who ON audit (who, number)
--
CREATE INDEX audit_thing ON audit (kind, thing, number)
--
CREATE INDEX audit_at ON audit (at_ms)
--
CREATE TABLE audit_link (number INTEGER PRIMARY KEY, hash TEXT NOT NULL)
--
CREATE TRIGGER audit_stays AFTER UPDATE ON audit BEGIN SELECT raise(ABORT, 'the record is not changed'); END
--
CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit BEGIN SELECT raise(ABORT, 'the record is not shortened'); END
--
CREATE TRIGGER audit_link_stays AFTER UPDATE ON audit_link BEGIN SELECT raise(ABORT, 'the record is not changed'); END
--
CREATE TRIGGER audit_link_is_kept BEFORE DELETE ON audit_link BEGIN SELECT raise(ABORT, 'the record is not shortened'); END
`;
