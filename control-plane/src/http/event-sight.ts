import type { ChangeEvent } from '@drover/shared/api/views';
import type { Clock } from '@drover/shared/lib/clock';
import { BELOW, type Rights, rightsOf } from '../core/rights-of.ts';
import { SEES, type ThingKind } from '../core/things.ts';
import type { KeptEvent, Store } from '../db/store.ts';
import { seesTask } from './gate.ts';
import type { Caller } from './session.ts';

/** What one listener may hear of, as their rights are at that moment. */
export interface Sight {
  /** Since it was asked last: may they see other things than before? */
  hasChanged(): Promise<boolean>;
  among(events: readonly KeptEvent[]): Promise<readonly ChangeEvent[]>;
}

const THINGS: readonly (keyof typeof BELOW)[] = ['guest', 'host', 'storage', 'network', 'image'];

export function sightOf(store: Pick<Store, 'rights' | 'task'>, { user, token, rights: first }: Caller, clock: Clock): Sight {
  let rights = first;

  async function sees({ kind, id, gone, was }: KeptEvent): Promise<boolean> {
    switch (kind) {
      case 'user':
        return rights.seesAccess || id === user.id;
      case 'token':
        return rights.seesAccess || id === token.id;
      case 'group':
      case 'role':
      case 'grant':
        return rights.seesAccess;
      case 'pool':
        return rights.sees('pool', id, { hostId: null, pool: null, tags: [], storageId: null });
      case 'task': {
        if (seesEverything(rights)) return true;
        const record = await store.task(id);
        return record !== null && seesTask(record.task, user.name, rights, store);
      }
      case 'guest':
      case 'host':
      case 'storage':
      case 'network':
      case 'image':
        return seesAll(rights, kind) || seesThing(kind, id, gone ? was : null);
    }
  }

  /** `was`: where it was, of one that is gone. */
  async function seesThing(kind: ThingKind, id: string, was: KeptEvent['was']): Promise<boolean> {
    const where = was ?? (await store.rights.find(kind, id))[0]?.where;
    return where !== undefined && rights.sees(kind, id, where);
  }

  return {
    async hasChanged() {
      const facts = await store.rights.facts();
      const before = rights;
      rights = rightsOf(facts, first.who, clock.now());
      return facts !== before.facts && !(seesEverything(before) && seesEverything(rights));
    },
    async among(events) {
      const seen: ChangeEvent[] = [];
      for (const event of events) {
        const { cursor, kind, id, gone } = event;
        if (await sees(event)) seen.push({ cursor, kind, id, gone });
      }
      return seen;
    },
  };
}

const seesAll = (rights: Rights, kind: keyof typeof BELOW): boolean => rights.within(SEES[kind], BELOW[kind]) === null;
const seesEverything = (rights: Rights): boolean => THINGS.every((kind) => seesAll(rights, kind));
