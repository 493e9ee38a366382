import type { Clock } from '@drover/shared/lib/clock';
import { Problem } from '@drover/shared/lib/problem';
import type { Random } from '@drover/shared/lib/random';
import { Name, newId } from '@drover/shared/model/id';
import type { User } from '../db/access-store.ts';
import { addUser, enableUser, endSessions, makeOwner, removePasskeys, removeRecoveryCodes, removeTotp } from '../db/identity-writes.ts';
import type { Store } from '../db/store.ts';
import { mintSignInLink } from '../http/sign-in-link.ts';
import { hasSecondFactor } from '../identity/next-step.ts';

interface Ports {
  readonly store: Pick<Store, 'access' | 'identity'>;
  readonly clock: Clock;
  readonly random: Random;
}

/** What was done, in words, and the link that signs the owner in. */
export interface Recovered {
  readonly user: User;
  readonly signInUrl: string;
  readonly expiresAtMs: number;
  readonly done: readonly string[];
}

/**
 * For whoever has a shell on the machine, and so owns all that lies on it. `name`: whom; null: an owner there is, else the user "owner". A
 * user of another name becomes an owner, or is made. The second factor goes only when that is asked for.
 */
export async function recoverOwner(
  { store: { access, identity }, clock, random }: Ports,
  { name, resetSecondFactor, url }: { readonly name: string | null; readonly resetSecondFactor: boolean; readonly url: string },
): Promise<Recovered> {
  const nowMs = clock.now();
  const known = name === null ? ((await access.anyOwner()) ?? (await access.user('owner'))) : await access.user(name);
  const user: User = known ?? { id: newId('user', random), name: nameOf(name ?? 'owner'), createdAtMs: nowMs };
  const isDisabled = (user.disabledAtMs ?? null) !== null;
  const grant = {
    id: newId('grant', random),
    principal: { kind: 'user', id: user.id },
    ...{ role: 'owner', scope: '/', inherit: true, untilMs: null, byUser: 'owner recover', createdAtMs: nowMs },
  } as const;
  const isWritten = await identity.write([
    ...(known ? [] : addUser(user, null)),
    ...(isDisabled ? enableUser(user.id, nowMs) : []),
    ...makeOwner(grant),
    ...(resetSecondFactor ? [removeTotp(user.id), removeRecoveryCodes(user.id), removePasskeys(user.id), endSessions(user.id, null)] : []),
  ]);
  if (!isWritten) throw new Problem('conflict', 'somebody changed users at this moment', { retryable: true, suggestion: 'try again' });
  const asksMore = hasSecondFactor(await identity.ways(user.id));
  return {
    user,
    ...(await mintSignInLink({ access, clock, random }, user, url)),
    done: [
      ...(known ? [] : [`The user ${user.name} was made.`]),
      ...(isDisabled ? [`The user ${user.name} was disabled, and may come in again.`] : []),
      ...(resetSecondFactor ? ['Their passkeys, codes and recovery codes are gone, and their sessions have ended.'] : []),
      ...(asksMore ? ['After the link they are asked for their second factor; --reset-second-factor takes it away.'] : []),
    ],
  };
}

function nameOf(name: string): string {
  const parsed = Name.safeParse(name);
  if (parsed.success) return parsed.data;
  throw new Problem('bad-request', `"${name}" cannot be a name: ${parsed.error.issues[0]?.message ?? ''}`);
}
