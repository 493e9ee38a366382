/** Tasks are kept for a month: the five newest of one guest are not looked for among those of all. */
export const sql = `
DROP INDEX task_of_target
--
CREATE INDEX task_of_target_id ON task (target_id, created_at_ms, id)
--
CREATE INDEX task_of_target_name ON task (target_name, created_at_ms, id)
--
CREATE INDEX task_of_kind ON task (target_kind, created_at_ms, id)
--
CREATE INDEX task_finished ON task (created_at_ms, id) WHERE finished_at_ms IS NOT NULL
`;
