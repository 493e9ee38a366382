import type { Scene, Watch } from './watch.ts';

/** A lease counts for 4 s, and is taken by another when it has stood still for 6; each looks every one and a half. */
const VACANT_MS_MAX = 15_000;

/**
 * Where several control planes share a cell, one of them serves it: never two at once, and never none for long while there is one
 * that could. Each tells the time that passes by its own clock: one that is set makes it err.
 */
export function watchServing({ judge, timeline, desks }: Scene): Watch {
  let isClear = true;
  let vacantSinceMs = timeline.nowMs;
  return {
    often() {
      const sharing = desks().filter(({ cell }) => cell !== null);
      const serving = sharing.filter(({ cell }) => cell?.serves());
      const names = serving.map(({ name }) => name).join(' and ');
      if (isClear) judge.check(serving.length <= 1, `${names} serve one cell at the same time`);
      const able = sharing.filter(({ life, database }) => !database.isAway && timeline.nowMs - life.bornAtMs > VACANT_MS_MAX);
      if (serving.length > 0 || able.length === 0) vacantSinceMs = timeline.nowMs;
      const vacantMs = timeline.nowMs - vacantSinceMs;
      if (isClear) judge.check(vacantMs <= VACANT_MS_MAX, `nobody has served the cell for ${Math.round(vacantMs / 1_000)} s`);
    },
    clockSet() {
      isClear = false;
    },
  };
}
