/** The keys that hosts want secrets sealed to. Apart from the host's row, which is written every ten seconds. */
export const sql = `
CREATE TABLE host_sealing_key (host_id TEXT PRIMARY KEY, x TEXT NOT NULL) WITHOUT ROWID
--
CREATE TRIGGER host_sealing_key_gone AFTER DELETE ON host BEGIN
  DELETE FROM host_sealing_key WHERE host_id = old.id;
END
`;
