import { AccountView, ConfirmTotp, NewTotpView, PasswordSetView, RecoveryCodesView, SetPassword } from '@drover/shared/api/identity';
import { Problem } from '@drover/shared/lib/problem';
import { ownsEverything } from '../../core/access.ts';
import {
  beginTotp,
  confirmTotp,
  endSessions,
  liftSetupOnly,
  removeRecoveryCodes,
  removeTotp,
  replaceRecoveryCodes,
  setPassword,
} from '../../db/identity-writes.ts';
import { SEALED_PLACES } from '../../db/sealed-places.ts';
import type { Statement } from '../../db/statement.ts';
import { hasSecondFactor, isSecondFactorRequired, isTotpLocked } from '../../identity/next-step.ts';
import { checkPassword } from '../../identity/password-policy.ts';
import { hashOfRecoveryCode, newRecoveryCodes } from '../../identity/recovery-codes.ts';
import { judgeCode, newSeed, seedUri } from '../../identity/totp.ts';
import { recordOf } from '../act.ts';
import type { Attempts } from '../attempts.ts';
import { Nothing } from '../components.ts';
import type { AppDeps } from '../deps.ts';
import { cameByLinkJustNow, requireFreshSession, requireSession } from '../own-account.ts';
import { reply } from '../reply.ts';
import { type Route, rawRoute, route } from '../route.ts';
import { codeProblem } from '../second-factor.ts';
import type { Caller } from '../session.ts';
import { urlOf } from '../signing-in.ts';
import { passkeyView } from './passkeys.ts';

const PATH = '/api/v1/account';

/** What people do to their own account. None of it can be done with a token: whoever steals one must not get to keep the account. */
export function accountRoutes(deps: AppDeps, attempts: Attempts): Route[] {
  return [viewRoute(deps), passwordRoute(deps, attempts), ...totpRoutes(deps, attempts), recoveryRoute(deps)];
}

function viewRoute({ store: { identity } }: AppDeps): Route {
  return route({
    method: 'GET',
    path: PATH,
    right: 'self',
    tag: 'account',
    summary: 'How the caller may sign in',
    response: AccountView,
    async handler({ caller: { user, token, rights } }) {
      const [ways, policy] = [await identity.ways(user.id), await identity.policy()];
      const { password, totp, passkeys, recoveryCodesLeft, directories } = ways;
      return {
        body: {
          user: { id: user.id, name: user.name },
          password: password && { setAtMs: password.setAtMs },
          totp: totp && totp.confirmedAtMs !== null ? { confirmedAtMs: totp.confirmedAtMs, locked: isTotpLocked(totp) } : null,
          recoveryCodesLeft,
          passkeys: passkeys.map(passkeyView),
          directories: [...directories],
          secondFactorRequired: isSecondFactorRequired(ownsEverything(rights.facts, user.id, rights.nowMs), policy),
          setupOnly: token.setupOnly ?? false,
        },
      };
    },
  });
}

function passwordRoute(deps: AppDeps, attempts: Attempts): Route {
  const { store, clock, identity } = deps;
  return route({
    method: 'POST',
    path: `${PATH}/password`,
    right: 'self',
    tag: 'account',
    summary: 'Set one’s own password: with the old one, or just after signing in by a link. All other sessions end',
    body: SetPassword,
    response: PasswordSetView,
    async handler(call) {
      const { body, caller, address } = call;
      requireSession(caller);
      const { user } = caller;
      const kept = (await store.identity.ways(user.id)).password;
      if (kept && !cameByLinkJustNow(caller, clock.now())) {
        await attempts.try(
          address,
          async () => {
            if (body.old !== undefined && (await identity.hashes.verify(body.old, kept.hash))) return;
            throw new Problem('not-allowed', 'the old password is wrong', {
              field: 'old',
              suggestion: 'or sign in by a fresh link, and set it within a quarter of an hour',
            });
          },
          { name: user.name, isKnownAddress: true },
        );
      } else if (!kept) requireFreshSession(caller, clock.now());
      checkPassword(body.password, user.name);
      const hash = await identity.hashes.hash(body.password);
      const record = recordOf(call, clock.now(), {
        kind: 'user',
        id: user.id,
        name: user.name,
        detail: 'own password; all other sessions ended',
      });
      await store.identity.write([setPassword(user.id, hash, clock.now()), endSessions(user.id, caller.token.id)], record);
      return { body: { setAtMs: clock.now() } };
    },
  });
}

const contextOf = (caller: Caller): string => SEALED_PLACES.totpSeed.context(caller.user.id);

function totpRoutes(deps: AppDeps, attempts: Attempts): Route[] {
  const { store, clock, random, identity } = deps;
  return [
    route({
      method: 'POST',
      path: `${PATH}/totp`,
      right: 'self',
      tag: 'account',
      summary: 'Begin to use codes of an authenticator app: the answer shows the seed, once; a code of it confirms',
      body: Nothing,
      status: 201,
      response: NewTotpView,
      async handler(call) {
        const { caller, request } = call;
        requireFreshSession(caller, clock.now());
        const { totp } = await store.identity.ways(caller.user.id);
        if (totp && totp.confirmedAtMs !== null) {
          throw new Problem('wrong-state', 'codes are set up already', { suggestion: 'remove them first, then set up new ones' });
        }
        const seed = newSeed();
        const record = recordOf(call, clock.now(), {
          kind: 'user',
          id: caller.user.id,
          name: caller.user.name,
          detail: 'codes of an app begun',
        });
        await store.identity.write(beginTotp(caller.user.id, await identity.vault.seal(seed, contextOf(caller)), clock.now()), record);
        return { body: { seed, uri: seedUri(seed, { account: caller.user.name, issuer: new URL(urlOf(deps, request)).hostname }) } };
      },
    }),
    route({
      method: 'POST',
      path: `${PATH}/totp/confirm`,
      right: 'self',
      tag: 'account',
      summary: 'Confirm the codes with one of them: from then on they are asked for. The answer shows recovery codes, once',
      body: ConfirmTotp,
      status: 201,
      response: RecoveryCodesView,
      async handler(call) {
        const { body, caller, address } = call;
        requireFreshSession(caller, clock.now());
        const { user } = caller;
        const { totp, recoveryCodesLeft } = await store.identity.ways(user.id);
        if (!totp || totp.confirmedAtMs !== null) throw new Problem('wrong-state', 'there are no codes to confirm');
        const seed = await identity.vault.open(totp.seed, contextOf(caller));
        const step = await attempts.try(address, async () => {
          const judged = judgeCode(seed, body.code, { nowMs: clock.now(), lastStep: totp.lastStep });
          if (judged.verdict === 'good') return judged.step;
          throw codeProblem(judged);
        });
        const made = recoveryCodesLeft === 0 ? freshCodes(caller) : { codes: [], statements: [] };
        const record = recordOf(call, clock.now(), { kind: 'user', id: user.id, name: user.name, detail: 'codes of an app confirmed' });
        await store.identity.write([...confirmTotp(user.id, step, clock.now()), ...made.statements, liftSetupOnly(user.id)], record);
        return { body: { codes: [...made.codes] } };
      },
    }),
    rawRoute({
      method: 'DELETE',
      path: `${PATH}/totp`,
      right: 'self',
      tag: 'account',
      summary: 'Stop using codes of an authenticator app',
      answers: { status: 204, contentType: null, description: 'Removed' },
      async handler(call) {
        const { caller } = call;
        requireFreshSession(caller, clock.now());
        const { user, rights } = caller;
        const ways = await store.identity.ways(user.id);
        const left = { ...ways, totp: null };
        const isLast = !hasSecondFactor(left);
        if (isLast && isSecondFactorRequired(ownsEverything(rights.facts, user.id, rights.nowMs), await store.identity.policy())) {
          throw new Problem('wrong-state', 'this fleet asks you for a second factor, and this is your last', {
            suggestion: 'add a passkey first',
          });
        }
        const record = recordOf(call, clock.now(), { kind: 'user', id: user.id, name: user.name, detail: 'codes of an app removed' });
        await store.identity.write([removeTotp(user.id), ...(isLast ? [removeRecoveryCodes(user.id)] : [])], record);
        return reply(null, { status: 204 });
      },
    }),
  ];

  function freshCodes({ user }: Caller): { codes: readonly string[]; statements: readonly Statement[] } {
    const codes = newRecoveryCodes(random);
    return { codes, statements: replaceRecoveryCodes(user.id, codes.map(hashOfRecoveryCode), clock.now()) };
  }
}

function recoveryRoute({ store, clock, random }: AppDeps): Route {
  return route({
    method: 'POST',
    path: `${PATH}/recovery-codes`,
    right: 'self',
    tag: 'account',
    summary: 'Make ten new recovery codes, shown once: the old ones are good no more',
    body: Nothing,
    status: 201,
    response: RecoveryCodesView,
    async handler(call) {
      const { caller } = call;
      requireFreshSession(caller, clock.now());
      if (!hasSecondFactor(await store.identity.ways(caller.user.id))) {
        throw new Problem('wrong-state', 'recovery codes stand in for a second factor, and you have none', {
          suggestion: 'set up a passkey or codes of an app first',
        });
      }
      const codes = newRecoveryCodes(random);
      const record = recordOf(call, clock.now(), {
        kind: 'user',
        id: caller.user.id,
        name: caller.user.name,
        detail: 'recovery codes made anew',
      });
      await store.identity.write(replaceRecoveryCodes(caller.user.id, codes.map(hashOfRecoveryCode), clock.now()), record);
      return { body: { codes: [...codes] } };
    },
  });
}
