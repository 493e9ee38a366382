import {
  DisableUser,
  EditSignInPolicy,
  EndedSessionsView,
  SignInPolicy,
  SignInSessionsView,
  type SignInSessionView,
} from '@drover/shared/api/identity';
import { UserView } from '@drover/shared/api/views';
import { Problem } from '@drover/shared/lib/problem';
import { z } from 'zod';
import { lastOwner } from '../../core/access.ts';
import { ACCESS } from '../../core/things.ts';
import type { User } from '../../db/access-store.ts';
import type { Session } from '../../db/identity-store.ts';
import {
  disableUser,
  enableUser,
  endSession,
  endSessions,
  limitSessions,
  removePasskeys,
  removeRecoveryCodes,
  removeTotp,
  setPolicy,
} from '../../db/identity-writes.ts';
import { recordOf } from '../act.ts';
import { Nothing } from '../components.ts';
import type { AppDeps } from '../deps.ts';
import { onAccess } from '../need.ts';
import { reply } from '../reply.ts';
import { type Route, rawRoute, route } from '../route.ts';
import type { Caller } from '../session.ts';
import { demandStandIn } from '../stand-in.ts';
import { userView } from '../views.ts';
import { Ref } from './params.ts';

const LISTED_MAX = 1_000;

export function sessionsRoutes(deps: AppDeps): Route[] {
  return [...sessionListRoutes(deps), ...signInOfUserRoutes(deps), ...policyRoutes(deps)];
}

function sessionListRoutes({ store: { access, identity }, clock }: AppDeps): Route[] {
  const view = (
    caller: Caller,
    { id, userId, userName, way, device, address, createdAtMs, lastUsedAtMs, expiresAtMs }: Session,
  ): SignInSessionView => ({
    id,
    user: { id: userId, name: userName },
    way: way ?? null,
    device: device ?? null,
    address: address ?? null,
    createdAtMs,
    lastUsedAtMs,
    expiresAtMs,
    current: id === caller.token.id,
  });

  return [
    route({
      method: 'GET',
      path: '/api/v1/sessions',
      right: 'self',
      tag: 'session',
      summary: 'List sessions, the last used first: one’s own, or with User.Modify on /access those of `user`, or of all (*)',
      query: z.strictObject({ user: Ref.optional() }),
      response: SignInSessionsView,
      async handler({ query, caller }) {
        const asked = query.user ?? caller.user.id;
        const isOwn = asked === caller.user.id || asked === caller.user.name;
        if (!isOwn && !caller.rights.may('User.Modify', ACCESS)) throw new Problem('not-allowed', 'this lists your own sessions only');
        const user = isOwn ? caller.user : asked === '*' ? null : await access.user(asked);
        if (!user && asked !== '*') throw new Problem('not-found', `there is no user ${asked}`, { field: 'user' });
        const found = await identity.sessions({ userId: user?.id, nowMs: clock.now(), limit: LISTED_MAX });
        return { body: { items: found.map((session) => view(caller, session)) } };
      },
    }),
    rawRoute({
      method: 'DELETE',
      path: '/api/v1/sessions/{session}',
      right: 'self',
      tag: 'session',
      summary: 'End a session: one’s own, or with User.Modify on /access anybody’s',
      params: z.object({ session: Ref }),
      answers: { status: 204, contentType: null, description: 'Ended' },
      async handler(call) {
        const { params, caller } = call;
        const found = await access.token(params.session);
        const isVisible = found?.kind === 'session' && (found.userId === caller.user.id || caller.rights.may('User.Modify', ACCESS));
        if (!found || !isVisible) throw new Problem('not-found', `there is no session ${params.session}`, { field: 'session' });
        const record = recordOf(call, clock.now(), { kind: 'user', id: found.userId, detail: `session ${found.id} ended` });
        await identity.write(endSession(found.id, clock.now()), record);
        return reply(null, { status: 204 });
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/sessions/end-others',
      right: 'self',
      tag: 'session',
      summary: 'End all of one’s own sessions but this one',
      body: Nothing,
      response: EndedSessionsView,
      async handler(call) {
        const { caller } = call;
        const all = await identity.sessions({ userId: caller.user.id, nowMs: clock.now(), limit: LISTED_MAX });
        await identity.write(
          [endSessions(caller.user.id, caller.token.id)],
          recordOf(call, clock.now(), { kind: 'user', id: caller.user.id, name: caller.user.name, detail: 'all other sessions ended' }),
        );
        return { body: { ended: all.filter(({ id }) => id !== caller.token.id).length } };
      },
    }),
  ];
}

/** What an owner may do for somebody who cannot sign in, or shall not. */
function signInOfUserRoutes({ store, clock }: AppDeps): Route[] {
  const { access, identity } = store;
  const params = z.object({ user: Ref });

  async function userOf(ref: string): Promise<User> {
    const user = await access.user(ref);
    if (user) return user;
    throw new Problem('not-found', `there is no user ${ref}`, { field: 'user' });
  }

  return [
    route({
      method: 'POST',
      path: '/api/v1/users/{user}/reset-second-factor',
      right: onAccess('User.Modify'),
      tag: 'access',
      summary: 'Remove the codes, recovery codes and passkeys of a user, and end their sessions',
      params,
      body: Nothing,
      response: UserView,
      async handler(call) {
        const { params, caller } = call;
        const user = await userOf(params.user);
        await demandStandIn(caller, user, store);
        await identity.write(
          [removeTotp(user.id), removeRecoveryCodes(user.id), removePasskeys(user.id), endSessions(user.id, null)],
          recordOf(call, clock.now(), { kind: 'user', id: user.id, name: user.name, detail: 'second factor reset' }),
        );
        return { body: userView(user, caller.rights.facts) };
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/users/{user}/disable',
      right: onAccess('User.Modify'),
      tag: 'access',
      summary: 'Let a user in no more: their sessions end, and their tokens are good for nothing until they are enabled again',
      params,
      body: DisableUser,
      response: UserView,
      async handler(call) {
        const { params, body, caller } = call;
        const user = await userOf(params.user);
        if (user.id === caller.user.id) throw new Problem('wrong-state', 'this is yourself', { suggestion: 'have another owner do it' });
        await demandStandIn(caller, user, store);
        const record = recordOf(call, clock.now(), { kind: 'user', id: user.id, name: user.name, detail: `disabled: ${body.because}` });
        if (!(await identity.write(disableUser(user.id, body.because, clock.now()), record))) throw lastOwner();
        return { body: userView({ ...user, disabledAtMs: clock.now() }, caller.rights.facts) };
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/users/{user}/enable',
      right: onAccess('User.Modify'),
      tag: 'access',
      summary: 'Let a disabled user in again',
      params,
      body: Nothing,
      response: UserView,
      async handler(call) {
        const { params, caller } = call;
        const user = await userOf(params.user);
        await demandStandIn(caller, user, store);
        await identity.write(
          enableUser(user.id, clock.now()),
          recordOf(call, clock.now(), { kind: 'user', id: user.id, name: user.name, detail: 'let in again' }),
        );
        return { body: userView({ ...user, disabledAtMs: null }, caller.rights.facts) };
      },
    }),
  ];
}

function policyRoutes({ store: { identity }, clock }: AppDeps): Route[] {
  const path = '/api/v1/sign-in-policy';
  return [
    route({
      method: 'GET',
      path,
      right: 'self',
      tag: 'access',
      summary: 'What the fleet asks of everybody who signs in',
      response: SignInPolicy,
      handler: async () => ({ body: await identity.policy() }),
    }),
    route({
      method: 'PATCH',
      path,
      right: onAccess('Realm.Allocate'),
      tag: 'access',
      summary: 'Say who needs a second factor, and how long sessions last. Who lacks one can from then on only set it up',
      body: EditSignInPolicy,
      response: SignInPolicy,
      async handler(call) {
        const { body } = call;
        const policy = SignInPolicy.parse({ ...(await identity.policy()), ...body });
        await identity.write(
          [setPolicy(policy), ...limitSessions(policy)],
          recordOf(call, clock.now(), { kind: 'policy', detail: JSON.stringify(body) }),
        );
        return { body: policy };
      },
    }),
  ];
}
