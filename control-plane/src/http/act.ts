import type { AuditFacts } from '@drover/shared/model/audit';
import { auditOf, type Doer } from '../core/audit-of.ts';
import type { Decision } from '../core/change.ts';
import { refuseUnpermitted } from '../core/permitted.ts';
import { type Performed, performer } from '../loop/perform.ts';
import type { AppDeps } from './deps.ts';
import type { Call } from './route.ts';
import type { Caller } from './session.ts';

/** What is needed of a call to act for it. */
export type Acting = Pick<Call, 'key' | 'action' | 'address' | 'body'> & { readonly caller: Caller };

/**
 * What somebody asked for: load, decide, look whether it is within their rights, commit. `about`: the one thing that the decision rests on
 * and changes; left out, it may be any. The only way from a request to a change of what hosts are wished to do.
 */
export type Act = <V, A>(call: Acting, load: () => Promise<V>, decide: (view: V) => Decision<A>, about?: string) => Promise<Performed<A>>;

export function actor({ store, nudge }: Pick<AppDeps, 'store' | 'nudge'>): Act {
  const perform = performer(store, nudge);
  return (call, load, decide, about) =>
    perform(
      load,
      (view) => {
        const decision = decide(view);
        refuseUnpermitted(decision.change, call.caller.rights);
        const audit = auditOf(decision.change, doerOf(call), fieldsOf(call));
        return { ...decision, change: { ...decision.change, audit } };
      },
      call.key,
      about,
    );
}

/** Who asks, for the record. */
export function doerOf({ caller: { user, token }, action, address }: Pick<Acting, 'caller' | 'action' | 'address'>): Doer {
  const via = token.kind === 'session' ? (token.device ?? 'a browser') : `token ${token.name}`;
  return { who: user.name, whoId: user.id, via, tokenId: token.id, address, action };
}

/** Which fields were given: what they were set to, the versions of the thing itself say. */
const fieldsOf = ({ body }: Pick<Acting, 'body'>): string | null =>
  typeof body === 'object' && body !== null && Object.keys(body).length > 0 ? Object.keys(body).join(', ') : null;

/** What the record says of something that is no change of resources or rights. Throughout: never a secret. */
export const recordOf = (call: Pick<Acting, 'caller' | 'action' | 'address'>, atMs: number, subject: Partial<Subject>): AuditFacts => ({
  ...{ kind: null, id: null, name: null, generation: null, taskId: null, detail: null, outcome: 'done', atMs },
  ...doerOf(call),
  ...subject,
});
type Subject = Pick<AuditFacts, 'kind' | 'id' | 'name' | 'detail' | 'outcome'>;
