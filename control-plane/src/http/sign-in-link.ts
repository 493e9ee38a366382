import type { Clock } from '@drover/shared/lib/clock';
import type { Random } from '@drover/shared/lib/random';
import type { AccessStore, User } from '../db/access-store.ts';
import type { Recorded } from '../db/audit-write.ts';
import { hashOfSecret } from '../db/secret.ts';

const DAY_MS = 24 * 3_600_000;

/** A link that signs `user` in, once, within so many days; they can then set a password or a passkey. The secret stands after the #: browsers send that part to nobody, so it is in no log. */
export async function mintSignInLink(
  { access, clock, random }: { readonly access: AccessStore; readonly clock: Clock; readonly random: Random },
  user: User,
  url: string,
  { days = 1, record }: { readonly days?: number | undefined; readonly record?: Recorded } = {},
): Promise<{ readonly signInUrl: string; readonly expiresAtMs: number }> {
  const secret = random.text(40);
  const expiresAtMs = clock.now() + days * DAY_MS;
  await access.addLink(hashOfSecret(secret), user.id, expiresAtMs, record);
  return { signInUrl: `${url}/sign-in#token=${secret}`, expiresAtMs };
}
