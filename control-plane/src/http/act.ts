import type { Decision } from '../core/change.ts';
import { refuseUnpermitted } from '../core/permitted.ts';
import { type Performed, performer } from '../loop/perform.ts';
import type { AppDeps } from './deps.ts';
import type { Call } from './route.ts';
import type { Caller } from './session.ts';

/**
 * What somebody asked for: load, decide, look whether it is within their rights, commit. `about`: the one thing that the decision rests on
 * and changes; left out, it may be any. The only way from a request to a change of what hosts are wished to do.
 */
export type Act = <V, A>(
  call: Pick<Call, 'key'> & { readonly caller: Caller },
  load: () => Promise<V>,
  decide: (view: V) => Decision<A>,
  about?: string,
) => Promise<Performed<A>>;

export function actor({ store, nudge }: Pick<AppDeps, 'store' | 'nudge'>): Act {
  const perform = performer(store, nudge);
  return (call, load, decide, about) =>
    perform(
      load,
      (view) => {
        const decision = decide(view);
        refuseUnpermitted(decision.change, call.caller.rights);
        return decision;
      },
      call.key,
      about,
    );
}
