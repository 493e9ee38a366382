import { type ComponentType, lazy, Suspense } from 'react';
import { later } from '../later.ts';

/** A part that is fetched when it is first shown: what a first visit does without, it does not wait for. */
export function lazyPart<P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> {
  const Part = lazy(later(async () => ({ default: await load() })));
  // biome-ignore lint/correctness/noComponentHookFactories: called once for each part, when its module is read
  return function LazyPart(props: P) {
    return (
      <Suspense fallback={null}>
        <Part {...props} />
      </Suspense>
    );
  };
}
