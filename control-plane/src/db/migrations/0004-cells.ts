/** Statements are separated by a line that holds nothing but "--". */
export const sql = `
CREATE TABLE cell (
  name TEXT PRIMARY KEY, profile TEXT NOT NULL, urls TEXT NOT NULL, own_url TEXT, admin_url TEXT, server_certificate TEXT NOT NULL,
  is_draining INTEGER NOT NULL DEFAULT 0, created_at_ms INTEGER NOT NULL
)
--
INSERT INTO cell (name, profile, urls, server_certificate, created_at_ms) VALUES ('main', 'embedded', '[]', 'fleet', 0)
--
CREATE INDEX host_cell ON host (cell, connected)
--
CREATE INDEX host_revoked ON host (revoked_at_ms) WHERE revoked_at_ms IS NOT NULL
--
CREATE TABLE lease (name TEXT PRIMARY KEY, holder TEXT, epoch INTEGER NOT NULL, renewals INTEGER NOT NULL)
`;
