import type { Clock } from '@drover/shared/lib/clock';
import { Problem } from '@drover/shared/lib/problem';
import type { Random } from '@drover/shared/lib/random';
import { DEFAULT_CELL } from '@drover/shared/protocol/topic';
import type { Broker } from '../../control-plane/src/broker/broker.ts';
import { type Cells, createCells } from '../../control-plane/src/broker/cells.ts';
import type { CellStore } from '../../control-plane/src/db/cell-store.ts';

/** Rarer than in earnest, and more than twice in the time that a lease counts. */
const LOOK_MS = 1_500;

export interface SharedCellPorts {
  readonly store: CellStore;
  /** Of all control planes together, and so of whoever serves the cell. */
  readonly broker: Broker;
  readonly disconnectAll: () => void;
  readonly process: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly cells: (cells: Cells) => Cells;
  readonly log: (line: string) => void;
}

export interface SharedCell {
  readonly broker: Broker;
  serves(): boolean;
  leads(): boolean;
}

/** The real leases of a control plane that is one of several on a database: the one that holds the cell's is heard and hears, the others wait. */
export function openSharedCell({ broker, process, log, ...ports }: SharedCellPorts): SharedCell {
  const none = () => Promise.reject(new Problem('unsupported', 'nobody signs in here'));
  const cells = ports.cells(
    createCells({
      ...{ store: ports.store, clock: ports.clock, random: ports.random, process },
      embedded: { ...broker, disconnectAll: ports.disconnectAll },
      embeddedLogin: none,
      profileOf: none,
      complain: (_what, line) => log(line),
    }),
  );
  const serves = () => cells.holds(DEFAULT_CELL);
  let isServing = false;
  const look = async (): Promise<void> => {
    await cells.watch();
    if (serves() !== isServing) log(serves() ? 'serves the cell' : 'serves the cell no longer');
    isServing = serves();
    ports.clock.after(LOOK_MS, () => void look());
  };
  void look();
  return {
    serves,
    leads: cells.leads,
    broker: {
      ...broker,
      publish: cells.publish,
      serves: cells.serves,
      disconnect: cells.disconnect,
      onMessage: (listener) => broker.onMessage((topic, payload) => serves() && listener(topic, payload)),
      onPresence: (listener) => broker.onPresence((hostId, connected) => serves() && listener(hostId, connected)),
    },
  };
}
