import type { SecondFactorNeeded, SignInWay } from '@drover/shared/api/identity';
import type { SessionView } from '@drover/shared/api/views';
import { Problem } from '@drover/shared/lib/problem';
import type { AuditFacts } from '@drover/shared/model/audit';
import { newId } from '@drover/shared/model/id';
import { ownsEverything } from '../core/access.ts';
import { rightsOf } from '../core/rights-of.ts';
import type { Token, User } from '../db/access-store.ts';
import { auditStatement } from '../db/audit-write.ts';
import { addTicket, endSession, rememberAddress, startSession } from '../db/identity-writes.ts';
import { hashOfSecret } from '../db/secret.ts';
import type { Statement } from '../db/statement.ts';
import { deviceWords } from '../identity/device-words.ts';
import { nextStep } from '../identity/next-step.ts';
import { passkeyOptions, type Site, siteOf } from '../identity/passkeys.ts';
import type { AppDeps } from './deps.ts';
import { originOf } from './origin.ts';
import type { Answer } from './route.ts';
import { callerOf, sessionCookie } from './session.ts';
import { privilegesOf, userView } from './views.ts';

const TICKET_MS = 5 * 60_000;

export interface FirstFactor {
  readonly way: SignInWay;
  /** `two`: a passkey that asked for a finger or a PIN, or somebody else's word that there were two. */
  readonly proved: 'one' | 'two';
  /** What has to be written together with the sign-in: that the link is used, the ticket gone. */
  readonly alongside: readonly Statement[];
}

export interface Asking {
  readonly request: Request;
  readonly address: string | null;
}

type Deps = Pick<AppDeps, 'store' | 'clock' | 'random' | 'version' | 'publicUrl'>;

/** After a first factor: the session, or the ticket to bring a second factor with. */
export async function afterFirstFactor(
  deps: Deps,
  user: User,
  { way, proved, alongside }: FirstFactor,
  asking: Asking,
): Promise<Answer<SessionView | SecondFactorNeeded>> {
  const { identity } = deps.store;
  refuseDisabled(user);
  const [ways, policy] = [await identity.ways(user.id), await identity.policy()];
  const site = siteOrNull(deps, asking.request);
  const isOwner = ownsEverything(await deps.store.rights.facts(), user.id, deps.clock.now());
  const next = nextStep({ proved, factors: ways, isOwner, policy, site: site?.id ?? '' });
  switch (next.step) {
    case 'session':
      return beginSession(deps, user, { way, setupOnly: next.setupOnly, alongside }, asking);
    case 'stuck':
      throw new Problem(
        'not-allowed',
        'your second factor cannot be used here: the codes are locked, or the passkey is of another address',
        {
          suggestion: 'use a recovery code, or ask an owner to reset your second factor',
        },
      );
    case 'second-factor': {
      const nowMs = deps.clock.now();
      const secret = deps.random.text(40);
      const allowed = ways.passkeys.filter((passkey) => passkey.site === site?.id);
      const challenge = site && next.needs.includes('passkey') ? await passkeyOptions(site, allowed) : null;
      const ticket = {
        hash: hashOfSecret(secret),
        purpose: 'second-factor' as const,
        userId: user.id,
        facts: { way, device: deviceOf(asking.request), challenge: challenge?.challenge ?? null },
        expiresAtMs: nowMs + TICKET_MS,
      };
      await writeOnce(deps, [...alongside, addTicket(ticket)]);
      return {
        body: { needs: [...next.needs], ticket: secret, expiresAtMs: ticket.expiresAtMs, passkey: challenge?.options ?? null },
      };
    }
  }
}

export async function beginSession(
  deps: Deps,
  user: User,
  { way, setupOnly, alongside }: { readonly way: SignInWay; readonly setupOnly: boolean; readonly alongside: readonly Statement[] },
  { request, address }: Asking,
): Promise<Answer<SessionView>> {
  refuseDisabled(user);
  const { store, clock, random, version } = deps;
  const nowMs = clock.now();
  const policy = await store.identity.policy();
  const secret = `drs_${random.text(40)}`;
  const session: Token = {
    id: newId('token', random),
    kind: 'session',
    name: 'browser',
    userId: user.id,
    ownGrantsOnly: false,
    createdAtMs: nowMs,
    lastUsedAtMs: nowMs,
    expiresAtMs: nowMs + policy.sessionMs,
    idleMs: policy.idleMs,
    setupOnly,
    way,
    device: deviceOf(request),
    address,
  };
  const record: AuditFacts = {
    ...{ atMs: nowMs, who: user.name, whoId: user.id, via: session.device ?? 'a browser', tokenId: session.id, address },
    ...{ action: 'sign in', kind: 'user', id: user.id, name: user.name, generation: null, taskId: null, outcome: 'done' },
    detail: setupOnly ? `by ${way}, to set up a second factor` : `by ${way}`,
  };
  await writeOnce(deps, [
    ...alongside,
    auditStatement(record),
    ...(await endOfPrevious(deps, request)),
    ...startSession(session, hashOfSecret(secret)),
    ...(address === null ? [] : rememberAddress(user.id, address, nowMs)),
  ]);
  const facts = await store.rights.facts();
  const rights = rightsOf(facts, { kind: 'user', id: user.id }, nowMs);
  return {
    body: { user: userView(user, facts), setupOnly, privileges: privilegesOf(rights), version, url: urlOf(deps, request) },
    headers: { 'set-cookie': sessionCookie(request, secret, policy.sessionMs) },
  };
}

/** A browser that signs in anew leaves the session that it had: a stolen cookie is of no more use then. */
async function endOfPrevious({ store, clock }: Deps, request: Request): Promise<readonly Statement[]> {
  if (request.headers.has('authorization')) return [];
  const previous = await callerOf(request, store, clock);
  return previous?.token.kind === 'session' ? endSession(previous.token.id, clock.now()) : [];
}

/** Somebody else may have used the same link, ticket or code at the same moment. */
export async function writeOnce({ store }: Pick<Deps, 'store'>, statements: readonly Statement[]): Promise<void> {
  if (await store.identity.write(statements)) return;
  throw new Problem('not-signed-in', 'this was used already, a moment ago', { suggestion: 'sign in from the beginning' });
}

function refuseDisabled(user: User): void {
  if (user.disabledAtMs === null || user.disabledAtMs === undefined) return;
  throw new Problem('not-allowed', `the account ${user.name} is disabled${user.disabledBecause ? `: ${user.disabledBecause}` : ''}`, {
    suggestion: 'ask an owner',
  });
}

export const urlOf = ({ publicUrl }: Pick<Deps, 'publicUrl'>, request: Request): string => publicUrl ?? originOf(request);
export const deviceOf = (request: Request): string => deviceWords(request.headers.get('user-agent'));

/** Null where passkeys do not work. */
export function siteOrNull(deps: Pick<Deps, 'publicUrl'>, request: Request): Site | null {
  try {
    return siteOf(urlOf(deps, request));
  } catch (thrown) {
    if (thrown instanceof Problem) return null;
    throw thrown;
  }
}
