import { Problem } from '../lib/problem.ts';
import type { Bundle } from './bundle.ts';
import { type AccessFacts, Principal, type RoleFacts } from './facts.ts';
import { Privilege } from './privilege.ts';
import { BUILT_IN_ROLES } from './role.ts';

/** Names that cancel wherever a bundle uses them; the second is Proxmox VE's. */
const CANCELLING: readonly string[] = ['no-access', 'NoAccess'];
/** Names that mean every privilege there is, unless the bundle says otherwise. */
const EVERYTHING: readonly string[] = ['owner', 'Administrator'];

/** What follows from a bundle. The id of a grant is its place in the file, those of all else are names. */
export function factsOfBundle(bundle: Bundle): AccessFacts {
  return {
    users: (bundle.users ?? []).map(({ name, enabled, expires, secondFactor }) => ({
      id: name,
      name,
      isEnabled: enabled ?? true,
      expiresAtMs: momentMs(expires),
      hasSecondFactor: secondFactor ?? false,
    })),
    groups: (bundle.groups ?? []).map(({ name, members }) => ({ id: name, name, members: members ?? [] })),
    roles: rolesOf(bundle),
    containers: [
      ...(bundle.pools ?? []).map(({ name, members }) => ({ path: `/pool/${name}`, members: members ?? [] })),
      ...(bundle.tags ?? []).map(({ name, members }) => ({ path: `/tag/${name}`, members: members ?? [] })),
      ...(bundle.hosts ?? []).map(({ name, members }) => ({ path: `/nodes/${name}`, members: members ?? [] })),
    ],
    tokens: (bundle.tokens ?? []).map((token, index) => ({
      id: token.name,
      name: token.name,
      owner: ownerOf(token, `tokens.${index}`),
      ownGrantsOnly: token.ownGrantsOnly ?? true,
      expiresAtMs: momentMs(token.expires),
    })),
    grants: (bundle.grants ?? []).map(({ principal, scope, role, inherit, until }, index) => ({
      id: `grants.${index}`,
      principal: principalOf(principal, `grants.${index}.principal`),
      role,
      scope,
      inherit: inherit ?? true,
      untilMs: momentMs(until),
    })),
  };
}

/** "user:alice@pve": the first colon ends the kind. */
export function principalOf(text: string, field: string): Principal {
  const colon = text.indexOf(':');
  const parsed = Principal.safeParse({ kind: text.slice(0, colon), id: text.slice(colon + 1) });
  if (parsed.success) return parsed.data;
  throw new Problem('bad-request', `${field}: "${text}" names nobody`, { field, suggestion: 'Use "user:…", "group:…" or "token:…".' });
}

/** A date alone is its first moment, UTC. */
export const momentMs = (moment: string | number | null | undefined): number | null =>
  typeof moment === 'string' ? Date.parse(moment) : (moment ?? null);

function ownerOf(token: { readonly name: string; readonly owner?: string | undefined }, field: string): string {
  const mark = token.name.lastIndexOf('!');
  const named = mark > 0 ? token.name.slice(0, mark) : undefined;
  const owner = token.owner ?? named;
  if (owner === undefined)
    throw new Problem('bad-request', `${field}: nobody owns "${token.name}"`, {
      field,
      suggestion: 'Name it "user!token", or say its owner.',
    });
  if (named !== undefined && named !== owner)
    throw new Problem('bad-request', `${field}: "${token.name}" is named for "${named}", and owned by "${owner}"`, {
      field: `${field}.owner`,
      suggestion: 'Let both say the same.',
    });
  return owner;
}

/**
 * A bundle's own roles, and the built-in ones that it does not define anew: what it defines counts alone. With a closed list of
 * privileges a built-in role has those of its own that are in the list; "owner" has every one there is.
 */
function rolesOf(bundle: Bundle): RoleFacts[] {
  const own = (bundle.roles ?? []).map((role, index) => roleOf(role, `roles.${index}`, bundle.privileges));
  const all = [...new Set(bundle.privileges ?? [...Privilege.options, ...own.flatMap(({ privileges }) => privileges)])];
  const isThere = new Set(all);
  const builtIn: RoleFacts[] = [
    ...BUILT_IN_ROLES.map(({ name, privileges, cancels }) => ({ name, privileges: privileges.filter((one) => isThere.has(one)), cancels })),
    ...CANCELLING.map((name) => ({ name, privileges: [], cancels: true })),
    ...EVERYTHING.map((name) => ({ name, privileges: all, cancels: false })),
  ];
  // The last of a name counts.
  return [...new Map([...builtIn, ...own].map((role) => [role.name, role])).values()];
}

type BundleRole = NonNullable<Bundle['roles']>[number];

function roleOf(role: BundleRole, field: string, closed: readonly string[] | undefined): RoleFacts {
  const privileges = role.privileges ?? [];
  const named = CANCELLING.includes(role.name);
  if (named && role.cancels === false)
    throw new Problem('bad-request', `${field}.cancels: a role named ${role.name} always cancels`, {
      field: `${field}.cancels`,
      suggestion: 'Give the role another name.',
    });
  const cancels = named || role.cancels === true;
  if (cancels && privileges.length > 0)
    throw new Problem('bad-request', `${field}.privileges: ${role.name} takes everything away, so it cannot give anything`, {
      field: `${field}.privileges`,
      suggestion: 'Leave the privileges out, or make it a role that does not cancel, of another name.',
    });
  const stray = closed === undefined ? -1 : privileges.findIndex((privilege) => !closed.includes(privilege));
  if (stray !== -1)
    throw new Problem('bad-request', `${field}.privileges.${stray}: "${privileges[stray]}" is not in the bundle’s list of privileges`, {
      field: `${field}.privileges.${stray}`,
      suggestion: 'Correct it, or add it to "privileges".',
    });
  return { name: role.name, privileges: [...new Set(privileges)], cancels };
}
