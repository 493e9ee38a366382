import { AddPasskey, PasskeyChallenge, PasskeyView, RecoveryCodesView, RenamePasskey } from '@drover/shared/api/identity';
import { Problem } from '@drover/shared/lib/problem';
import { z } from 'zod';
import { ownsEverything } from '../../core/access.ts';
import type { Passkey } from '../../db/identity-store.ts';
import {
  addPasskey,
  addTicket,
  liftSetupOnly,
  removePasskey,
  removeRecoveryCodes,
  renamePasskey,
  replaceRecoveryCodes,
  useTicket,
} from '../../db/identity-writes.ts';
import { hashOfSecret } from '../../db/secret.ts';
import { hasSecondFactor, isSecondFactorRequired } from '../../identity/next-step.ts';
import { newPasskeyOptions, siteOf, verifyNewPasskey } from '../../identity/passkeys.ts';
import { hashOfRecoveryCode, newRecoveryCodes } from '../../identity/recovery-codes.ts';
import { recordOf } from '../act.ts';
import { Nothing } from '../components.ts';
import type { AppDeps } from '../deps.ts';
import { requireFreshSession } from '../own-account.ts';
import { reply } from '../reply.ts';
import { type Route, rawRoute, route } from '../route.ts';
import type { Caller } from '../session.ts';
import { urlOf } from '../signing-in.ts';

const PATH = '/api/v1/account/passkeys';
const CHALLENGE_MS = 5 * 60_000;
const PASSKEYS_MAX = 20;
const params = z.object({ passkey: z.string().min(1).max(1_400) });

/** The key itself stays where it is. */
export const passkeyView = ({ id, name, site, backedUp, createdAtMs, lastUsedAtMs }: Passkey): PasskeyView => ({
  id,
  name,
  site,
  backedUp,
  createdAtMs,
  lastUsedAtMs,
});

export function passkeyRoutes(deps: AppDeps): Route[] {
  return [...addRoutes(deps), ...keepRoutes(deps)];
}

function addRoutes(deps: AppDeps): Route[] {
  const { store, clock, random } = deps;
  const { identity } = store;
  return [
    route({
      method: 'POST',
      path: `${PATH}/challenge`,
      right: 'self',
      tag: 'account',
      summary: 'Begin to add a passkey: what to hand to navigator.credentials.create',
      body: Nothing,
      status: 201,
      response: PasskeyChallenge,
      async handler({ caller, request }) {
        requireFreshSession(caller, clock.now());
        const { passkeys } = await identity.ways(caller.user.id);
        if (passkeys.length >= PASSKEYS_MAX)
          throw new Problem('wrong-state', `you have ${PASSKEYS_MAX} passkeys`, { suggestion: 'remove one first' });
        const { challenge, options } = await newPasskeyOptions(siteOf(urlOf(deps, request)), caller.user, passkeys);
        const secret = random.text(40);
        const expiresAtMs = clock.now() + CHALLENGE_MS;
        await identity.write([
          addTicket({ hash: hashOfSecret(secret), purpose: 'new-passkey', userId: caller.user.id, facts: { challenge }, expiresAtMs }),
        ]);
        return { body: { ticket: secret, options, expiresAtMs } };
      },
    }),
    route({
      method: 'POST',
      path: PATH,
      right: 'self',
      tag: 'account',
      summary: 'Add a passkey. With the first second factor the answer shows recovery codes, once',
      body: AddPasskey,
      status: 201,
      response: RecoveryCodesView,
      async handler(call) {
        const { body, caller, request } = call;
        requireFreshSession(caller, clock.now());
        const hash = hashOfSecret(body.ticket);
        const begun = await identity.ticket(hash, clock.now());
        if (begun?.purpose !== 'new-passkey' || begun.userId !== caller.user.id) {
          throw new Problem('gone', 'this took too long, or began somewhere else', { suggestion: 'begin again' });
        }
        const { challenge } = z.object({ challenge: z.string() }).parse(begun.facts);
        const site = siteOf(urlOf(deps, request));
        const made = await verifyNewPasskey(site, challenge, body.passkey);
        const ways = await identity.ways(caller.user.id);
        const codes = ways.recoveryCodesLeft === 0 ? newRecoveryCodes(random) : [];
        const isWritten = await identity.write(
          [
            ...useTicket(hash),
            addPasskey({ ...made, userId: caller.user.id, name: body.name, site: site.id, createdAtMs: clock.now(), lastUsedAtMs: null }),
            ...(codes.length === 0 ? [] : replaceRecoveryCodes(caller.user.id, codes.map(hashOfRecoveryCode), clock.now())),
            liftSetupOnly(caller.user.id),
          ],
          recordOf(call, clock.now(), { kind: 'user', id: caller.user.id, name: caller.user.name, detail: `passkey ${body.name} added` }),
        );
        if (!isWritten) throw nameTaken(body.name);
        return { body: { codes: [...codes] } };
      },
    }),
  ];
}

function keepRoutes({ store: { identity }, clock }: AppDeps): Route[] {
  async function ownPasskey(caller: Caller, id: string): Promise<Passkey> {
    const found = await identity.passkey(id);
    if (found?.userId === caller.user.id) return found;
    throw new Problem('not-found', 'you have no such passkey', { field: 'passkey' });
  }

  return [
    route({
      method: 'PATCH',
      path: `${PATH}/{passkey}`,
      right: 'self',
      tag: 'account',
      summary: 'Rename a passkey of one’s own',
      params,
      body: RenamePasskey,
      response: PasskeyView,
      async handler(call) {
        const { params, body, caller } = call;
        requireFreshSession(caller, clock.now());
        const passkey = await ownPasskey(caller, params.passkey);
        const record = recordOf(call, clock.now(), {
          kind: 'user',
          id: caller.user.id,
          name: caller.user.name,
          detail: `passkey ${passkey.name} renamed to ${body.name}`,
        });
        if (!(await identity.write([renamePasskey(passkey.id, body.name)], record))) throw nameTaken(body.name);
        return { body: passkeyView({ ...passkey, name: body.name }) };
      },
    }),
    rawRoute({
      method: 'DELETE',
      path: `${PATH}/{passkey}`,
      right: 'self',
      tag: 'account',
      summary: 'Remove a passkey of one’s own',
      params,
      answers: { status: 204, contentType: null, description: 'Removed' },
      async handler(call) {
        const { params, caller } = call;
        requireFreshSession(caller, clock.now());
        const { id } = await ownPasskey(caller, params.passkey);
        const ways = await identity.ways(caller.user.id);
        const isLast = !hasSecondFactor({ ...ways, passkeys: ways.passkeys.filter((passkey) => passkey.id !== id) });
        const isOwner = ownsEverything(caller.rights.facts, caller.user.id, clock.now());
        if (isLast && isSecondFactorRequired(isOwner, await identity.policy())) {
          throw new Problem('wrong-state', 'this fleet asks you for a second factor, and this is your last', {
            suggestion: 'add another passkey, or codes of an app, first',
          });
        }
        const record = recordOf(call, clock.now(), {
          kind: 'user',
          id: caller.user.id,
          name: caller.user.name,
          detail: 'a passkey removed',
        });
        await identity.write([removePasskey(id), ...(isLast ? [removeRecoveryCodes(caller.user.id)] : [])], record);
        return reply(null, { status: 204 });
      },
    }),
  ];
}

const nameTaken = (name: string): Problem =>
  new Problem('name-taken', `you have a passkey ${name} already`, { field: 'name', suggestion: 'choose another name' });
