/** Whether the control plane reaches the broker of a cell: hosts come to no other. */
export const sql = `
ALTER TABLE cell ADD COLUMN is_reached INTEGER NOT NULL DEFAULT 0
--
UPDATE cell SET is_reached = 1 WHERE profile = 'embedded'
`;
