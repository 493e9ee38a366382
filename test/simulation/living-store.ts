import type { Store } from '../../control-plane/src/db/store.ts';
import type { Chance } from './chance.ts';
import { type Life, never } from './life.ts';

/** These answer at once, on any database. */
const AT_ONCE = new Set(['onEvents', 'close']);

/**
 * The store as one life of a control plane uses it: each call takes a moment, in which others may write; and the life may end
 * before it, or after it took effect but before the answer came.
 */
export function livingStore(store: Store, life: Life, chance: Chance): Store {
  return living(store, 'store', life, chance);
}

function living<T extends object>(target: T, path: string, life: Life, chance: Chance): T {
  return new Proxy(target, {
    get(_target, name) {
      const member: unknown = Reflect.get(target, name);
      const label = `${path}.${String(name)}`;
      if (typeof member === 'object' && member !== null) return living(member, label, life, chance);
      if (typeof member !== 'function' || AT_ONCE.has(String(name))) return member;
      return async (...values: unknown[]) => {
        life.point(`${label}, before`);
        if (!life.isAlive) return never();
        const delayMs = chance.happens(0.3) ? chance.between(1, 20) : 0;
        if (delayMs > 0) await life.clock.sleep(delayMs);
        const answer: unknown = await Reflect.apply(member, target, values);
        life.point(`${label}, after`);
        return life.isAlive ? answer : never();
      };
    },
  });
}
