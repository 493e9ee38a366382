import type { Clock } from '@drover/shared/lib/clock';
import type { Random } from '@drover/shared/lib/random';
import type { AccessStore, User } from '../db/access-store.ts';
import { hashOfSecret } from '../db/secret.ts';

const LINK_MS = 24 * 3_600_000;

/** A link that signs `user` in, once. The secret stands after the #: browsers send that part to nobody, so it is in no log. */
export async function mintSignInLink(
  { access, clock, random }: { readonly access: AccessStore; readonly clock: Clock; readonly random: Random },
  user: User,
  url: string,
): Promise<{ readonly signInUrl: string; readonly expiresAtMs: number }> {
  const secret = random.text(40);
  const expiresAtMs = clock.now() + LINK_MS;
  await access.addLink(hashOfSecret(secret), user.id, expiresAtMs);
  return { signInUrl: `${url}/sign-in#token=${secret}`, expiresAtMs };
}
