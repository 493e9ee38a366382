import type { AuditEntry } from '../model/audit.ts';

/** An entry of the record as people say it: "shut down guest web", "was refused to start guest db". */
export function storyOf(entry: Pick<AuditEntry, 'action' | 'kind' | 'id' | 'name' | 'outcome' | 'detail'>): string {
  const what = [entry.kind, entry.name ?? entry.id].filter((word) => word !== null).join(' ');
  if (entry.action === 'sign in') return entry.outcome === 'done' ? `signed in, ${entry.detail}` : `could not sign in: ${entry.detail}`;
  if (entry.outcome === 'refused') return `was refused: ${entry.detail} (${entry.action})`;
  const said = `${verbOf(entry.action)} ${what}`.trim();
  return entry.detail === null ? said : `${said}: ${entry.detail}`;
}

/** What stands at the end of an address, as something that was done. */
const VERBS: Readonly<Record<string, string>> = {
  'start': 'started',
  'shutdown': 'shut down',
  'stop': 'stopped',
  'reboot': 'rebooted',
  'console': 'opened the console of',
  'exec': 'ran a command in',
  'cancel': 'cancelled',
  'revoke': 'cut off',
  'admit': 'let in',
  'replace': 'replaced',
  'power': 'switched',
  'move': 'moved',
  'upgrades': 'upgraded',
  'rotate': 'rotated',
  'disable': 'disabled',
  'enable': 'let in',
  'sync': 'synced',
  'sign-in-link': 'made a link for',
  'reset-second-factor': 'reset the second factor of',
};

function verbOf(action: string): string {
  const [method = '', path = ''] = action.split(' ');
  const last = path.split('/').at(-1) ?? '';
  if (action === 'enrol a host') return 'enrolled';
  if (!path.startsWith('/')) return action;
  if (method === 'POST') return VERBS[last] ?? (path.includes('{') || path.includes('/account/') ? 'changed' : 'made');
  if (method === 'DELETE') return 'removed';
  return method === 'GET' ? 'read' : 'edited';
}
