import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '@drover/shared/lib/clock';
import type { Random } from '@drover/shared/lib/random';
import { newId } from '@drover/shared/model/id';
import type { AccessStore, User } from '../db/access-store.ts';
import { hashOfSecret } from '../db/secret.ts';
import { mintSignInLink } from '../http/sign-in-link.ts';
import { writePrivate } from './private-file.ts';

interface Ports {
  readonly access: AccessStore;
  readonly clock: Clock;
  readonly random: Random;
}

/** The first owner: made at the first start, without a password. */
export async function firstOwner({ access, clock, random }: Ports): Promise<User> {
  const users = await access.users({ limit: 1_000 });
  const owner = users.items.find(({ role }) => role === 'owner');
  if (owner) return owner;
  const made: User = { id: newId('user', random), name: 'owner', role: 'owner', createdAtMs: clock.now() };
  await access.addUser(made);
  return made;
}

/** A one-time link for the first owner, as long as no owner has ever signed in by one; null afterwards. */
export async function firstOwnerLink(ports: Ports, owner: User, url: string): Promise<string | null> {
  if (await ports.access.ownerEverSignedIn()) return null;
  return (await mintSignInLink(ports, owner, url)).signInUrl;
}

/** The owner's token for programs of whoever may read the data folder: the same at each start while it is good. */
export async function localToken({ access, clock, random }: Ports, owner: User, folder: string): Promise<string> {
  const path = join(folder, 'local-token');
  const kept = existsSync(path) ? readFileSync(path, 'utf8').trim() : '';
  if (kept !== '' && (await access.caller(hashOfSecret(kept), clock.now()))) return kept;
  const secret = `drv_${random.text(40)}`;
  await access.replaceToken(
    {
      id: newId('token', random),
      kind: 'api',
      name: 'this-machine',
      userId: owner.id,
      role: 'owner',
      createdAtMs: clock.now(),
      lastUsedAtMs: null,
      expiresAtMs: null,
    },
    hashOfSecret(secret),
  );
  writePrivate(path, `${secret}\n`);
  return secret;
}
