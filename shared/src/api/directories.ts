import { z } from 'zod';
import { RoleName } from '../model/access.ts';
import { DirectoryId, Name } from '../model/id.ts';

/** Where people are known already: an OpenID Connect provider, or an LDAP server such as Active Directory. */

const shared = {
  name: Name,
  enabled: z.boolean().default(true),
  /** Make a user for somebody who was not here before. */
  autocreate: z.boolean().default(false),
  /** What users that are made so are granted on everything; null: nothing but what their groups are. */
  role: RoleName.nullable().default(null),
  /** The directory's name of a group, and ours. Empty: as they are called there. */
  groupMapping: z.record(z.string().min(1).max(200), Name).default({}),
};

const Url = z.url({ protocol: /^https?$/, error: 'an address with http:// or https://' }).max(500);
const Attribute = z.string().regex(/^[A-Za-z][A-Za-z0-9.;-]{0,99}$/, 'the name of an attribute');
const Dn = z.string().min(1).max(1_000);
/** One that stands in brackets and closes them all; the server reads it. */
const Filter = z
  .string()
  .regex(/^\(.+\)$/s, 'a filter in brackets, as in (objectClass=person)')
  .max(2_000);

const oidc = {
  kind: z.literal('oidc'),
  ...shared,
  issuer: Url,
  clientId: z.string().min(1).max(200),
  scopes: z
    .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,100}$/))
    .min(1)
    .max(20)
    .default(['openid', 'profile', 'email']),
  /** Which claim a user's name is taken from. */
  nameClaim: z.string().min(1).max(100).default('preferred_username'),
  /** Which claim lists groups; null: none. */
  groupsClaim: z.string().min(1).max(100).nullable().default(null),
  prompt: z.enum(['none', 'login', 'consent', 'select_account']).nullable().default(null),
  /** `theirs`: whom the provider lets in has shown enough. `ours`: the second factor is asked for here as well. */
  secondFactor: z.enum(['theirs', 'ours']).default('theirs'),
};

const ldap = {
  kind: z.literal('ldap'),
  ...shared,
  /** Host names, each with a port if it is not the usual one; the first that answers is asked. */
  servers: z
    .array(z.string().regex(/^[A-Za-z0-9._-]+(:\d{1,5})?$/, 'a host name, as in ldap.example.org or ldap.example.org:636'))
    .min(1)
    .max(5),
  mode: z.enum(['ldap', 'starttls', 'ldaps']).default('ldaps'),
  /** In PEM: who has signed the servers' certificates; null: those that the system trusts. */
  ca: z.string().max(100_000).nullable().default(null),
  verify: z.boolean().default(true),
  /** Who searches; null: anybody may. */
  bindDn: Dn.nullable().default(null),
  baseDn: Dn,
  userFilter: Filter.default('(objectClass=person)'),
  /** What people type as their name: uid, or sAMAccountName in Active Directory. */
  userAttribute: Attribute.default('uid'),
  /** What never changes, whatever somebody is called: entryUUID, or objectGUID in Active Directory. */
  idAttribute: Attribute.default('entryUUID'),
  /** Null: groups are left alone. */
  groupBaseDn: Dn.nullable().default(null),
  groupFilter: Filter.default('(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup)(objectClass=group))'),
  groupAttribute: Attribute.default('cn'),
  /** A member of a group that is a member of another is a member of that one too. */
  nestedGroups: z.boolean().default(false),
};

export const OidcSettings = z.strictObject(oidc);
export type OidcSettings = z.infer<typeof OidcSettings>;
export const LdapSettings = z.strictObject(ldap);
export type LdapSettings = z.infer<typeof LdapSettings>;
export const DirectorySettings = z.discriminatedUnion('kind', [OidcSettings, LdapSettings]);
export type DirectorySettings = z.infer<typeof DirectorySettings>;

const Secret = z.string().min(1).max(2_000).optional();
/** `secret`: the client's secret, or the bind password. It is never shown again. */
export const CreateDirectory = z.discriminatedUnion('kind', [
  z.strictObject({ ...oidc, secret: Secret }),
  z.strictObject({ ...ldap, secret: Secret }),
]);
export type CreateDirectory = z.input<typeof CreateDirectory>;

/** Whichever settings are given; those of the other kind are refused. `secret` null takes it away. */
export const EditDirectory = z.strictObject({
  settings: z.record(z.string(), z.unknown()).default({}),
  secret: z.string().min(1).max(2_000).nullable().optional(),
});
export type EditDirectory = z.input<typeof EditDirectory>;

export const DirectoryView = z.object({
  id: DirectoryId,
  name: z.string(),
  kind: z.enum(['oidc', 'ldap']),
  enabled: z.boolean(),
  settings: DirectorySettings,
  hasSecret: z.boolean(),
  createdAtMs: z.number().int(),
  syncedAtMs: z.number().int().nullable(),
});
export type DirectoryView = z.infer<typeof DirectoryView>;
export const DirectoriesView = z.object({ items: z.array(DirectoryView) });

/** POST /directories/{directory}/test: with a name and password it also tries to sign that person in, which changes nothing. */
export const TestDirectory = z.strictObject({
  name: z.string().min(1).max(200).optional(),
  password: z.string().min(1).max(1_000).optional(),
});
export type TestDirectory = z.infer<typeof TestDirectory>;
export const DirectoryTestView = z.object({
  works: z.boolean(),
  /** In their order, up to the first that failed. */
  steps: z.array(z.object({ step: z.string(), works: z.boolean(), detail: z.string(), suggestion: z.string().nullable() })),
});
export type DirectoryTestView = z.infer<typeof DirectoryTestView>;

export const SyncDirectory = z.strictObject({
  /** Say what would change, and change nothing. */
  dryRun: z.boolean().default(false),
  /** Also when more than half of those who are known here would be disabled. */
  force: z.boolean().default(false),
});
export type SyncDirectory = z.input<typeof SyncDirectory>;
export const SyncedDirectoryView = z.object({
  dryRun: z.boolean(),
  added: z.array(z.string()),
  changed: z.array(z.object({ name: z.string(), what: z.string() })),
  /** They vanished from the directory. */
  disabled: z.array(z.string()),
  unchanged: z.number().int(),
  /** Whom the directory knows and Drover cannot take in, and why. */
  left: z.array(z.object({ name: z.string(), why: z.string() })),
});
export type SyncedDirectoryView = z.infer<typeof SyncedDirectoryView>;

/** Ties a person of a directory to a user who is here already. */
export const TieDirectoryUser = z.strictObject({ user: z.string().min(1).max(64), subject: z.string().min(1).max(500) });
export type TieDirectoryUser = z.infer<typeof TieDirectoryUser>;

/** GET /sign-in-ways: for the page on which nobody has signed in yet. */
export const SignInWaysView = z.object({
  passkeys: z.boolean(),
  directories: z.array(z.object({ name: z.string(), kind: z.enum(['oidc', 'ldap']) })),
});
export type SignInWaysView = z.infer<typeof SignInWaysView>;
