/** What a host is made of changes when it is started anew; when it was heard, every ten seconds. The row that is written so often is short. */
export const sql = `
CREATE TABLE host_inventory (host_id TEXT PRIMARY KEY, inventory TEXT NOT NULL)
--
INSERT INTO host_inventory SELECT id, inventory FROM host WHERE inventory IS NOT NULL
--
ALTER TABLE host DROP COLUMN inventory
`;
