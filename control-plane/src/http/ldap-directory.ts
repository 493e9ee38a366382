import { LdapSettings } from '@drover/shared/api/directories';
import { Problem } from '@drover/shared/lib/problem';
import type { User } from '../db/access-store.ts';
import type { Directory, IdentityStore } from '../db/identity-store.ts';
import { SEALED_PLACES } from '../db/sealed-places.ts';
import type { Statement } from '../db/statement.ts';
import type { Ldap, LdapAccess } from '../identity/ldap.ts';
import type { AppDeps } from './deps.ts';
import { userOfPerson } from './directory-person.ts';

export async function directoryOf(identity: IdentityStore, ref: string): Promise<Directory> {
  const found = await identity.directory(ref);
  if (found) return found;
  throw new Problem('not-found', `there is no directory ${ref}`, { field: 'directory' });
}

export function requireLdap({ identity }: Pick<AppDeps, 'identity'>): Ldap {
  if (identity.ldap) return identity.ldap;
  throw new Problem('unsupported', 'LDAP needs connections that this control plane cannot make where it runs', {
    suggestion: 'use OpenID Connect, or run the control plane on a machine of your own',
  });
}

export async function ldapAccess({ identity }: Pick<AppDeps, 'identity'>, directory: Directory): Promise<LdapAccess> {
  if (directory.kind !== 'ldap') throw new Problem('unsupported', `${directory.name} is no LDAP directory`, { field: 'directory' });
  const secret =
    directory.secrets === '' ? null : await identity.vault.open(directory.secrets, SEALED_PLACES.directorySecrets.context(directory.id));
  return { settings: LdapSettings.parse(directory.settings), secret };
}

/** Whom one of the LDAP directories lets in by this name and password; null: none does. `only`: the name of the one to ask. */
export async function byDirectories(
  deps: AppDeps,
  { name, password, only }: { readonly name: string; readonly password: string; readonly only: string | undefined },
): Promise<{ readonly user: User; readonly statements: readonly Statement[] } | null> {
  const all = await deps.store.identity.directories();
  const asked = all.filter(
    (directory) => directory.kind === 'ldap' && directory.enabled && (only === undefined || directory.name === only),
  );
  let silent: unknown = null;
  for (const directory of asked) {
    const access = await ldapAccess(deps, directory);
    try {
      const person = await requireLdap(deps).signIn(access, name, password);
      if (person) return await userOfPerson(deps, directory, access.settings, person);
    } catch (thrown) {
      const problem = Problem.from(thrown);
      if (problem.code !== 'unsupported') throw thrown;
      // What is wrong with a directory is for owners to read, in its test, not for whoever tries to sign in.
      deps.log(`the directory ${directory.name} could not be asked`, thrown);
      silent = thrown;
    }
  }
  if (silent !== null) {
    throw new Problem('timeout', 'a directory that may know you cannot be asked at the moment', {
      retryable: true,
      suggestion: 'try again, or ask an owner to test it',
    });
  }
  return null;
}
