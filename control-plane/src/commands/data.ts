import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { realClock } from '@drover/shared/lib/clock';
import { Problem } from '@drover/shared/lib/problem';
import { openStore } from '../db/open.ts';
import { openRemoteStore } from '../db/open-remote.ts';
import type { Store } from '../db/store.ts';
import type { Settings } from '../node/settings.ts';

/** Where the control plane of these settings keeps its files. Throws Problem when there is none. */
export function existingFolder({ dataPath }: Settings): string {
  const folder = join(dataPath, 'control-plane');
  if (existsSync(folder)) return folder;
  throw new Problem('not-found', `there is no control plane in ${dataPath}`, { suggestion: 'set DROVER_DATA to its data folder' });
}

export function storeOf(folder: string, { database }: Settings): Promise<Store> {
  const now = () => realClock.now();
  return database ? openRemoteStore(database.url, database.token, now) : openStore(join(folder, 'drover.db'), now);
}
