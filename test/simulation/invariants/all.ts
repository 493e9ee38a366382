import { watchBounds } from './bounded.ts';
import { watchExplanations } from './explained.ts';
import { watchFinalWords } from './final-words.ts';
import { watchGone } from './gone.ts';
import { watchWrites } from './i3-writes.ts';
import { watchEffects } from './i4-at-most-once.ts';
import { watchGenerations } from './i5-generations.ts';
import { watchDestruction } from './i6-destruction.ts';
import { watchSignatures } from './i9-signed-only.ts';
import { watchReturns } from './l2-return.ts';
import { watchStandalone } from './l3-standalone.ts';
import { watchPoison } from './l5-poison.ts';
import { watchUnderstanding } from './not-understood.ts';
import { watchServing } from './one-serves.ts';
import { watchProgress } from './progressing.ts';
import type { Scene, Watch } from './watch.ts';

/** Everybody who judges while a story goes on; whether it ends as it must, l1-convergence.ts says. */
export const WATCHES: readonly ((scene: Scene) => Watch)[] = [
  watchWrites,
  watchEffects,
  watchGenerations,
  watchDestruction,
  watchSignatures,
  watchReturns,
  watchStandalone,
  watchPoison,
  watchExplanations,
  watchBounds,
  watchGone,
  watchFinalWords,
  watchProgress,
  watchUnderstanding,
  watchServing,
];
