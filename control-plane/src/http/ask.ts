import { newId } from '@drover/shared/model/id';
import type { Asker } from '../core/access.ts';
import type { Ask } from '../core/change.ts';
import type { AppDeps } from './deps.ts';
import type { Call } from './route.ts';
import type { Caller } from './session.ts';

/** Fresh ids and the time, for one decision. */
export function askOf(
  call: Pick<Call, 'ifMatch'> & { readonly caller: Caller },
  { clock, random }: Pick<AppDeps, 'clock' | 'random'>,
): Ask {
  return {
    by: call.caller.user.name,
    nowMs: clock.now(),
    taskId: newId('task', random),
    imageId: newId('image', random),
    ifMatch: call.ifMatch,
  };
}

/** For a decision about rights. */
export const askerOf = ({ caller }: { readonly caller: Caller }, { clock }: Pick<AppDeps, 'clock'>): Asker => ({
  by: caller.user.name,
  nowMs: clock.now(),
  rights: caller.rights,
});
