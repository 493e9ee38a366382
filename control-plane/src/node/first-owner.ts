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
  const owner = await access.anyOwner();
  if (owner) return owner;
  const nowMs = clock.now();
  const made: User = { id: newId('user', random), name: 'owner', createdAtMs: nowMs };
  const everything = { role: 'owner', scope: '/', inherit: true, untilMs: null, byUser: 'drover', createdAtMs: nowMs };
  await access.addUser(made, [{ id: newId('grant', random), principal: { kind: 'user', id: made.id }, ...everything }]);
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
      ownGrantsOnly: false,
      createdAtMs: clock.now(),
      lastUsedAtMs: null,
      expiresAtMs: null,
    },
    hashOfSecret(secret),
  );
  writePrivate(path, `${secret}\n`);
  return secret;
}
