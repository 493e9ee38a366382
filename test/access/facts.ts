import type { AccessFacts, Grant } from '../../shared/src/access/facts.ts';
import { BUILT_IN_ROLES } from '../../shared/src/access/role.ts';

interface Sketch {
  /** "alice" or "alice off"; "alice until 5". */
  readonly users: readonly string[];
  readonly groups?: Readonly<Record<string, readonly string[]>>;
  readonly roles?: Readonly<Record<string, readonly string[]>>;
  readonly containers?: Readonly<Record<string, readonly string[]>>;
  /** "ci of alice", with own grants only; "ci of alice, as alice" has all of hers; "… until 5". */
  readonly tokens?: readonly string[];
  /** "user:alice operator /vms"; "… here" is not inherited, "… until 5" ends. */
  readonly grants: readonly string[];
}

/** Facts from a few words: for tests. */
export function sketch(words: Sketch): AccessFacts {
  const own = Object.entries(words.roles ?? {}).map(([name, privileges]) => ({ name, privileges: [...privileges], cancels: false }));
  const builtIn = BUILT_IN_ROLES.map(({ name, privileges, cancels }) => ({ name, privileges: [...privileges], cancels }));
  return {
    users: words.users.map((text) => {
      const [id = ''] = text.split(' ');
      return { id, name: id, isEnabled: !/ off\b/.test(text), expiresAtMs: untilOf(text), hasSecondFactor: false };
    }),
    groups: Object.entries(words.groups ?? {}).map(([id, members]) => ({ id, name: id, members: [...members] })),
    roles: [...builtIn, ...own],
    containers: Object.entries(words.containers ?? {}).map(([path, members]) => ({ path, members: [...members] })),
    tokens: (words.tokens ?? []).map((text) => {
      const [, id = '', owner = ''] = /^(\S+) of ([^\s,]+)/.exec(text) ?? [];
      return { id, name: id, owner, ownGrantsOnly: !text.includes(', as '), expiresAtMs: untilOf(text) };
    }),
    grants: words.grants.map(grantOf),
  };
}

function grantOf(text: string, index: number): Grant {
  const [, kind = '', id = '', role = '', scope = ''] = /^(user|group|token):(\S+) (\S+) (\S+)/.exec(text) ?? [];
  if (kind !== 'user' && kind !== 'group' && kind !== 'token') throw new Error(`not a grant: ${text}`);
  return { id: `g${index}`, principal: { kind, id }, role, scope, inherit: !/ here\b/.test(text), untilMs: untilOf(text) };
}

function untilOf(text: string): number | null {
  const [, until] = / until (\d+)/.exec(text) ?? [];
  return until === undefined ? null : Number(until);
}
