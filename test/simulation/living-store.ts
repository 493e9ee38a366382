import type { Store } from '../../control-plane/src/db/store.ts';
import type { Chance } from './chance.ts';
import { type Life, never } from './life.ts';

/** These answer at once, on any database. */
const AT_ONCE = new Set(['onEvents', 'close']);

/** Whether what is asked of the database comes there. */
export interface Reach {
  isAway: boolean;
  /** It goes away once this was answered; null: nothing makes it. */
  awayAfter: string | null;
}

const KNOCK_MS = 500;

/**
 * The store as one life of a control plane uses it: each call takes a moment, in which others may write; and the life may end
 * before it, or after it took effect but before the answer came. While the database is away, everything waits.
 */
export function livingStore(store: Store, life: Life, chance: Chance, reach: Reach): Store {
  return living(store, 'store', life, chance, reach);
}

function living<T extends object>(target: T, path: string, life: Life, chance: Chance, reach: Reach): T {
  return new Proxy(target, {
    get(_target, name) {
      const member: unknown = Reflect.get(target, name);
      const label = `${path}.${String(name)}`;
      if (typeof member === 'object' && member !== null) return living(member, label, life, chance, reach);
      if (typeof member !== 'function' || AT_ONCE.has(String(name))) return member;
      return async (...values: unknown[]) => {
        life.point(`${label}, before`);
        if (!life.isAlive) return never();
        while (reach.isAway) await life.clock.sleep(KNOCK_MS);
        const delayMs = chance.happens(0.3) ? chance.between(1, 20) : 0;
        if (delayMs > 0) await life.clock.sleep(delayMs);
        const answer: unknown = await Reflect.apply(member, target, values);
        if (reach.awayAfter === label) Object.assign(reach, { isAway: true, awayAfter: null });
        life.point(`${label}, after`);
        return life.isAlive ? answer : never();
      };
    },
  });
}
