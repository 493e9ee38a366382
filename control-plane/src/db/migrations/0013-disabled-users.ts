/** Who was disabled, or may come in again, has other rights from then on. */
export const sql = `
CREATE TRIGGER user_disabled_concerns_access AFTER UPDATE OF disabled_at_ms ON user BEGIN
  UPDATE counter SET value = value + 1 WHERE name = 'access';
END
`;
