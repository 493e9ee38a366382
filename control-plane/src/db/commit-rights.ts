import { unreachable } from '@drover/shared/lib/assert';
import type { RightsWrite } from '../core/rights.ts';
import * as schema from './schema.ts';
import { guard, insert, remove, type Statement, update } from './statement.ts';

const { accessGrant, accessGroup, accessRole, groupMember, pool, poolMember } = schema;

/** The statements of one change of rights. What has to be so when it is written is a guard: the commit conflicts otherwise. */
export function rightsStatements(write: RightsWrite): Statement[] {
  switch (write.do) {
    case 'add-grant': {
      const { principal, ...row } = write.grant;
      return [insert(accessGrant, { ...row, principalKind: principal.kind, principalId: principal.id })];
    }
    case 'remove-grant':
      return [remove(accessGrant, { id: write.id }), HAS_OWNER];
    case 'add-group':
      return [insert(accessGroup, write.group)];
    case 'remove-group':
      return [
        remove(accessGroup, { id: write.id }),
        remove(groupMember, { groupId: write.id }),
        remove(accessGrant, { principalKind: 'group', principalId: write.id }),
        HAS_OWNER,
      ];
    case 'add-member': {
      const { groupId, userId } = write;
      return [
        guard(accessGroup, 'id = ?', groupId),
        guard(schema.user, 'id = ?', userId),
        insert(groupMember, { groupId, userId }, ' ON CONFLICT DO NOTHING'),
      ];
    }
    case 'remove-member':
      return [remove(groupMember, { groupId: write.groupId, userId: write.userId }), HAS_OWNER];
    case 'set-role':
      return [insert(accessRole, write.role, ' ON CONFLICT (name) DO UPDATE SET privileges = excluded.privileges')];
    case 'remove-role':
      return [unless('SELECT 1 FROM access_grant WHERE role = ?', write.name), remove(accessRole, { name: write.name })];
    case 'add-pool':
      return [insert(pool, { ...write.pool, version: 1 })];
    case 'edit-pool':
      return [guard(pool, 'path = ?', write.path), update(pool, { notes: write.notes, quota: write.quota }, { path: write.path })];
    case 'remove-pool':
      return [
        unless('SELECT 1 FROM pool_member WHERE pool = ?', write.path),
        unless("SELECT 1 FROM pool WHERE path LIKE ? || '/%'", write.path),
        remove(pool, { path: write.path }),
        remove(accessGrant, { scope: `/pool/${write.path}` }),
      ];
    case 'take-room':
      return [
        guard(pool, 'path = ? AND version = ?', write.path, write.version),
        { sql: 'UPDATE pool SET version = version + 1 WHERE path = ?', args: [write.path] },
      ];
    case 'set-pool': {
      const { member, path } = write;
      if (path === null) return [remove(poolMember, member)];
      return [
        guard(pool, 'path = ?', path),
        insert(poolMember, { ...member, pool: path }, ' ON CONFLICT (kind, id) DO UPDATE SET pool = excluded.pool'),
      ];
    }
    default:
      return unreachable(write);
  }
}

/** The batch conflicts when there is such a row. */
const unless = (select: string, ...args: string[]): Statement => ({ sql: `INSERT INTO guard SELECT 0 WHERE EXISTS (${select})`, args });

/** Those who own everything without an end, by themselves or by a group. */
export const OWNERS = `SELECT user.id AS id, g.id AS grant_id, g.principal_kind AS kind, g.principal_id AS principal FROM access_grant g
  LEFT JOIN group_member m ON g.principal_kind = 'group' AND m.group_id = g.principal_id
  JOIN user ON user.id = CASE g.principal_kind WHEN 'group' THEN m.user_id WHEN 'user' THEN g.principal_id END
  WHERE user.disabled_at_ms IS NULL AND g.role = 'owner' AND g.scope = '/' AND g.inherit = 1 AND g.until_ms IS NULL`;

/** Nobody can be locked out of the fleet by the one who was its last owner. */
export const HAS_OWNER: Statement = { sql: `INSERT INTO guard SELECT 0 WHERE NOT EXISTS (${OWNERS})`, args: [] };
