import type { LdapSettings } from '@drover/shared/api/directories';

/** Somebody whom an LDAP server knows. */
export interface LdapPerson {
  readonly dn: string;
  /** What never changes about them. */
  readonly subject: string;
  readonly name: string;
  /** As the directory calls them; null: no groups are asked for. */
  readonly groups: readonly string[] | null;
}

export interface LdapAccess {
  readonly settings: LdapSettings;
  /** Of the bind DN; null: there is none. */
  readonly secret: string | null;
}

/** One thing that was tried, and how it went. */
export interface TestStep {
  readonly step: string;
  readonly works: boolean;
  readonly detail: string;
  readonly suggestion: string | null;
}

/** Needs sockets that can be upgraded to TLS, which Workers do not give to LDAP's libraries: absent there, and then said so. */
export interface Ldap {
  /** Null: nobody of that name, or another password. Throws Problem when the directory cannot be asked. */
  signIn(access: LdapAccess, name: string, password: string): Promise<LdapPerson | null>;
  everybody(access: LdapAccess): Promise<readonly LdapPerson[]>;
  /** In order, up to the first that fails. */
  test(access: LdapAccess, person: { readonly name: string; readonly password: string | null } | null): Promise<readonly TestStep[]>;
}

/** RFC 4515: whatever was typed means itself. */
export const escapeFilterValue = (value: string): string =>
  [...new TextEncoder().encode(value)]
    .map((byte) => {
      const letter = String.fromCharCode(byte);
      return /[A-Za-z0-9 ._@-]/.test(letter) ? letter : `\\${byte.toString(16).padStart(2, '0')}`;
    })
    .join('');

export const personFilter = ({ userFilter, userAttribute }: LdapSettings, name: string): string =>
  `(&${userFilter}(${userAttribute}=${escapeFilterValue(name)}))`;
