/** The long lists of what a host is made of, which change rarely; and its newest live figures, written once a minute: each in a table that holds nothing else. */
export const sql = `
CREATE TABLE host_hardware (host_id TEXT PRIMARY KEY, digest TEXT NOT NULL, hardware TEXT NOT NULL)
--
CREATE TABLE host_figures (host_id TEXT PRIMARY KEY, at_ms INTEGER NOT NULL, figures TEXT NOT NULL) WITHOUT ROWID
`;
