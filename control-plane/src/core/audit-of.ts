import { unreachable } from '@drover/shared/lib/assert';
import type { AuditFacts } from '@drover/shared/model/audit';
import type { Change } from './change.ts';
import type { RightsWrite } from './rights.ts';

/** Who asked, with what, from where, for what. */
export type Doer = Pick<AuditFacts, 'who' | 'whoId' | 'via' | 'tokenId' | 'address' | 'action'>;
type Subject = Pick<AuditFacts, 'kind' | 'id' | 'name' | 'generation' | 'taskId' | 'detail'>;

/** What the record says of a change: an entry for each thing that it is about. A change that changes nothing is not told of. */
export function auditOf(change: Change, doer: Doer, fields: string | null): readonly AuditFacts[] {
  return subjectsOf(change).map((subject) => ({
    atMs: change.atMs,
    ...doer,
    outcome: 'done',
    ...subject,
    detail: subject.detail ?? fields,
  }));
}

const NOTHING: Subject = { kind: null, id: null, name: null, generation: null, taskId: null, detail: null };

function subjectsOf(change: Change): readonly Subject[] {
  const tasks = change.newTasks ?? [];
  const taskOf = (kind: string, id: string) => tasks.find(({ target }) => target.kind === kind && target.id === id);
  const wished = (change.wishes ?? [])
    .filter(({ kind }) => kind !== 'task')
    .map(({ kind, id, generation, spec, deletion }): Subject => {
      const name = 'name' in spec ? spec.name : null;
      return { ...NOTHING, kind, id, generation, name, taskId: taskOf(kind, id)?.id ?? null, detail: deletion ? 'to be deleted' : null };
    });
  const seen = new Set(wished.map(({ taskId }) => taskId));
  const begun = tasks
    .filter(({ id }) => !seen.has(id))
    .map(({ id, target, targetName, title }): Subject => {
      return { ...NOTHING, kind: target.kind, id: target.id, name: targetName, taskId: id, detail: title };
    });
  const cancelled = (change.wishes ?? [])
    .filter(({ kind }) => kind === 'task' && begun.length === 0 && wished.length === 0)
    .map(({ id, generation }): Subject => ({ ...NOTHING, kind: 'task', id, generation }));
  const hosts = [
    ...(change.renamedHosts ?? []).map(({ id, name }): Subject => ({ ...NOTHING, kind: 'host', id, name, detail: `renamed to ${name}` })),
    ...(change.forgottenHosts ?? []).map((id): Subject => ({ ...NOTHING, kind: 'host', id, detail: 'forgotten' })),
    ...(change.hosts ?? []).flatMap(({ id, revokedAtMs }): Subject[] =>
      revokedAtMs === undefined ? [] : [{ ...NOTHING, kind: 'host', id, detail: revokedAtMs === null ? 'let in again' : 'cut off' }],
    ),
  ];
  return [...wished, ...begun, ...cancelled, ...hosts, ...(change.rights ?? []).flatMap(subjectOfRights)];
}

function subjectOfRights(write: RightsWrite): Subject[] {
  switch (write.do) {
    case 'add-grant': {
      const { id, principal, role, scope, untilMs } = write.grant;
      const until = untilMs === null ? '' : ` until ${new Date(untilMs).toISOString()}`;
      return [{ ...NOTHING, kind: 'grant', id, detail: `${role} on ${scope} to ${principal.kind} ${principal.id}${until}` }];
    }
    case 'remove-grant':
      return [{ ...NOTHING, kind: 'grant', id: write.id, detail: 'taken back' }];
    case 'add-group':
      return [{ ...NOTHING, kind: 'group', id: write.group.id, name: write.group.name, detail: 'made' }];
    case 'remove-group':
      return [{ ...NOTHING, kind: 'group', id: write.id, detail: 'removed' }];
    case 'add-member':
    case 'remove-member':
      return [
        { ...NOTHING, kind: 'group', id: write.groupId, detail: `${write.do === 'add-member' ? 'takes in' : 'loses'} ${write.userId}` },
      ];
    case 'set-role':
      return [{ ...NOTHING, kind: 'role', id: write.role.name, name: write.role.name, detail: write.role.privileges.join(', ') }];
    case 'remove-role':
      return [{ ...NOTHING, kind: 'role', id: write.name, name: write.name, detail: 'removed' }];
    case 'add-pool':
      return [{ ...NOTHING, kind: 'pool', id: write.pool.path, name: write.pool.path, detail: 'made' }];
    case 'edit-pool':
      return [{ ...NOTHING, kind: 'pool', id: write.path, name: write.path, detail: JSON.stringify(write.quota) }];
    case 'remove-pool':
      return [{ ...NOTHING, kind: 'pool', id: write.path, name: write.path, detail: 'removed' }];
    case 'set-pool': {
      const { kind, id } = write.member;
      return [{ ...NOTHING, kind, id, detail: write.path === null ? 'taken out of its pool' : `put into pool ${write.path}` }];
    }
    case 'take-room':
      return [];
    default:
      return unreachable(write);
  }
}
