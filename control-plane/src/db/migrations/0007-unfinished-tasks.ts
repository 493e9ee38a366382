/** What is being done about one thing is looked for at each request about it: not among all that was done in a month. */
export const sql = `
CREATE INDEX task_unfinished_of_target ON task (target_kind, target_id, created_at_ms, id) WHERE finished_at_ms IS NULL
`;
