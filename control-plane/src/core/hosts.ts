import type { EditHost } from '@drover/shared/api/requests';
import { Problem } from '@drover/shared/lib/problem';
import type { HostId, TaskId } from '@drover/shared/model/id';
import type { PublicKey } from '@drover/shared/protocol/agent-api';
import { DEFAULT_CELL } from '@drover/shared/protocol/topic';
import { changedTasks, endedTask } from './apply-task.ts';
import type { Ask, Change, Decision } from './change.ts';
import type { Host } from './held.ts';
import { settingsWish } from './host-settings.ts';
import type { EnrolmentDecisionView, HostDecisionView } from './views.ts';

/** Changes what is named, and leaves the rest. The name is ours alone; settings are a wish, which the host acknowledges. */
export function editHost(view: HostDecisionView, { name, ...given }: EditHost, ask: Ask): Decision<{ readonly hostId: HostId }> {
  const { host } = view;
  if (name !== undefined && view.nameTaken) throw nameTaken(name);
  const wish = settingsWish(view, given);
  return {
    change: {
      by: ask.by,
      atMs: ask.nowMs,
      ...(name === undefined ? {} : { renamedHosts: [{ id: host.id, name }] }),
      ...(wish === null ? {} : { wishes: [wish] }),
      events: [{ kind: 'host', id: host.id, gone: false }],
    },
    answer: { hostId: host.id },
  };
}

/** Removes the host and all it had from the control plane. Nothing on the host is touched: a machine that is still there keeps its guests running. */
export function forgetHost(view: HostDecisionView, ask: Ask): Decision<{ readonly hostId: HostId }> {
  const { host, resources, tasks } = view;
  const problem = new Problem('gone', `the host ${host.name} was forgotten`);
  const ended = tasks.map((task) => endedTask(task, 'cancelled', problem, ask.nowMs));
  const refs = resources.map(({ kind, id }) => ({ kind, id }));
  return {
    change: {
      by: ask.by,
      atMs: ask.nowMs,
      restsOn: resources.map(({ kind, id, generation }) => ({ kind, id, generation })),
      removals: refs,
      forgottenHosts: [host.id],
      taskUpdates: ended,
      events: [...refs.map((ref) => ({ ...ref, gone: true })), { kind: 'host', id: host.id, gone: true }, ...changedTasks(ended)],
    },
    answer: { hostId: host.id },
  };
}

/** Cuts the host off: it is heard no more and told nothing, until it is admitted again. Its guests run on, and all that is known of it stays. */
export function revokeHost(
  { host, tasks }: HostDecisionView,
  ask: Ask,
): Decision<{ readonly hostId: HostId; readonly tasks: readonly TaskId[] }> {
  return {
    change: {
      by: ask.by,
      atMs: ask.nowMs,
      hosts: [{ id: host.id, revokedAtMs: host.revokedAtMs ?? ask.nowMs, connected: false, session: null }],
      events: [{ kind: 'host', id: host.id, gone: false }],
    },
    answer: { hostId: host.id, tasks: tasks.map(({ id }) => id) },
  };
}

export function admitHost({ host }: HostDecisionView, ask: Ask): Decision<{ readonly hostId: HostId }> {
  return {
    change: {
      by: ask.by,
      atMs: ask.nowMs,
      hosts: [{ id: host.id, revokedAtMs: null }],
      events: [{ kind: 'host', id: host.id, gone: false }],
    },
    answer: { hostId: host.id },
  };
}

/** A new key, asked for by the one before. Both count until the new one is used, because the answer can be lost; so it may also be asked again. */
export function replaceKey(host: Host, publicKey: PublicKey, nowMs: number): Change {
  const isRepeated = publicKey.x === host.publicKey.x;
  return {
    by: host.name,
    atMs: nowMs,
    ...(isRepeated ? {} : { hosts: [{ id: host.id, publicKey, previousKey: host.publicKey }] }),
    events: [{ kind: 'host', id: host.id, gone: false }],
  };
}

export interface Enrolling {
  readonly hostId: HostId;
  readonly publicKey: PublicKey;
  readonly hostname: string;
}

/** A token enrols one key; the same key may ask again with it, because an answer can be lost. */
export function enrolHost(
  view: EnrolmentDecisionView,
  input: Enrolling,
  nowMs: number,
): Decision<{ readonly hostId: HostId; readonly name: string }> {
  const enrolment = checkEnrolment(view, input, nowMs);
  const { existing } = view;
  const id = existing?.id ?? input.hostId;
  const base = { by: enrolment.createdBy, atMs: nowMs };
  // Asked again: all of it is written already.
  if (existing && enrolment.usedByHostId !== null) return { change: base, answer: { hostId: id, name: existing.name } };
  const used = {
    ...base,
    usedEnrolments: [{ tokenHash: enrolment.tokenHash, hostId: id }],
    events: [{ kind: 'host', id, gone: false }],
  } as const;
  if (existing) return { change: used, answer: { hostId: id, name: existing.name } };
  const name = enrolment.name ?? freeName(input.hostname, view.namesTaken);
  return {
    change: { ...used, newHosts: [{ id, name, publicKey: input.publicKey, cell: view.cell ?? DEFAULT_CELL }] },
    answer: { hostId: id, name },
  };
}

/** The enrolment that lets this key in; `key` null: one that is not made yet. Throws Problem with the reason why it does not. */
export function checkEnrolment(
  view: EnrolmentDecisionView,
  key: Pick<Enrolling, 'hostId' | 'publicKey'> | null,
  nowMs: number,
): NonNullable<EnrolmentDecisionView['enrolment']> {
  const { enrolment, existing, forgotten } = view;
  if (!enrolment)
    throw new Problem('not-allowed', 'this enrolment token is not known', { field: 'token', suggestion: 'get a new one: drover host add' });
  if (enrolment.expiresAtMs <= nowMs) {
    throw new Problem('gone', 'this enrolment token has expired', { field: 'token', suggestion: 'get a new one: drover host add' });
  }
  if (forgotten && !existing) {
    throw new Problem('gone', `this is the key of the host ${forgotten.name}, which was forgotten, and never comes in again`, {
      suggestion: 'enrol with a key of its own: drover-agent enrol --new-key …',
    });
  }
  if (existing && existing.publicKey.x !== key?.publicKey.x) {
    throw new Problem('gone', `the host ${existing.name} has another key since`, {
      suggestion: 'enrol with a key of its own: drover-agent enrol --new-key …',
    });
  }
  const isUsed = enrolment.usedByHostId !== null;
  if (isUsed && enrolment.usedByHostId !== (existing?.id ?? key?.hostId)) {
    throw new Problem('gone', 'this enrolment token was used by another host', {
      field: 'token',
      suggestion: 'get a new one: drover host add',
    });
  }
  if (existing) return enrolment;
  if (isUsed) throw new Problem('gone', 'this host was forgotten', { suggestion: 'enrol it with a new token: drover host add' });
  if (enrolment.name !== null && view.namesTaken.has(enrolment.name)) throw nameTaken(enrolment.name);
  return enrolment;
}

/** The host's own name as far as the rules for names allow, with a number when it is taken. */
export function freeName(hostname: string, taken: ReadonlySet<string>): string {
  const label = (hostname.toLowerCase().split('.')[0] ?? '')
    .replaceAll(/[^a-z0-9-]+/g, '-')
    .slice(0, 50)
    .replaceAll(/^-+|-+$/g, '');
  const base = label === '' || /^\d+$/.test(label) ? `host${label === '' ? '' : `-${label}`}` : label;
  if (!taken.has(base)) return base;
  for (let number = 2; ; number++) if (!taken.has(`${base}-${number}`)) return `${base}-${number}`;
}

export const nameTaken = (name: string): Problem =>
  new Problem('name-taken', `there is a host called ${name} already`, { field: 'name', suggestion: 'choose another name' });
