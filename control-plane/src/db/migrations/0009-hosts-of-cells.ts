/** The hosts of each cell, and those that are connected, are counted each second: from the index alone. */
export const sql = `
DROP INDEX host_cell
--
CREATE INDEX host_cell ON host (cell, connected)
`;
