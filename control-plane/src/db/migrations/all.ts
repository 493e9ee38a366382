import { sql as first } from './0001-first.ts';
import { sql as guestLists } from './0002-guest-lists.ts';
import { sql as hostsCutOff } from './0003-hosts-cut-off.ts';
import { sql as cells } from './0004-cells.ts';
import { sql as taskLists } from './0005-task-lists.ts';
import { sql as cellsReached } from './0006-cells-reached.ts';
import { sql as unfinishedTasks } from './0007-unfinished-tasks.ts';
import { sql as inventoriesApart } from './0008-inventories-apart.ts';
import { sql as hostsOfCells } from './0009-hosts-of-cells.ts';
import { sql as whatHostsAre } from './0010-what-hosts-are.ts';
import { sql as rights } from './0011-rights.ts';
import { sql as signingIn } from './0012-signing-in.ts';
import { sql as disabledUsers } from './0013-disabled-users.ts';
import { sql as sealingKeys } from './0014-sealing-keys.ts';
import { sql as audit } from './0015-audit.ts';

/** In order, never edited once released: position n is schema version n + 1. Text in modules, so that one bundled file carries them. */
export const MIGRATIONS: readonly string[] = [
  first,
  guestLists,
  hostsCutOff,
  cells,
  taskLists,
  cellsReached,
  unfinishedTasks,
  inventoriesApart,
  hostsOfCells,
  whatHostsAre,
  rights,
  signingIn,
  disabledUsers,
  sealingKeys,
  audit,
];
