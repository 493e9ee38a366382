import type { HostId } from '@drover/shared/model/id';
import type { Resource } from '@drover/shared/model/resource';
import type { Command, Refusal, Report } from '@drover/shared/protocol/message';
import type { Journal } from '../../../agent/src/journal.ts';
import type { Change } from '../../../control-plane/src/core/change.ts';
import type { Store } from '../../../control-plane/src/db/store.ts';
import type { Desk } from '../control-plane.ts';
import type { Judge } from '../judge.ts';
import type { Ledger } from '../ledger.ts';
import type { Network } from '../link.ts';
import type { MachineEvent } from '../machine.ts';
import type { SimulatedHost } from '../simulated-host.ts';
import type { Timeline } from '../timeline.ts';
import type { Answered } from '../users.ts';

/** What those who judge may look at. */
export interface Scene {
  readonly timeline: Timeline;
  readonly network: Network;
  readonly hosts: readonly SimulatedHost[];
  readonly ledger: Ledger;
  readonly judge: Judge;
  /** Control planes that answer. */
  readonly desks: () => readonly Desk[];
  readonly store: () => Store;
}

/** One invariant: each part is called when there is something for it to see. */
export interface Watch {
  /** Something really happened on a host. */
  machine?(host: SimulatedHost, event: MachineEvent): void;
  /** A host has written down what is wished of a resource, or what became of it. */
  wished?(host: SimulatedHost, resource: Resource): void;
  /** An agent has opened its journal. */
  opened?(host: SimulatedHost, journal: Journal): void;
  /** A control plane has handed a command to the network. */
  command?(command: Command): void;
  /** The same, and no agent of today understands it. */
  notUnderstood?(hostId: HostId, resource: Omit<Refusal, 'problem'>): void;
  /** A host has handed a report to the network. */
  report?(host: SimulatedHost, report: Report): void;
  /** This was written to the database; the ledger still shows what was there before. */
  committed?(change: Change): void;
  /** A person got an answer, be it a refusal. */
  answered?(answer: Answered): void;
  /** Something was tried on a host that fails each time. */
  poisonTried?(host: SimulatedHost, subject: string): void;
  /** Every simulated second, between two events. */
  often?(): void;
  /** Now and then, with reads of the database. */
  sometimes?(): Promise<void>;
  /** Of a control plane. */
  clockSet?(): void;
  /** The database was replaced by an old copy of it: what was learnt from it since counts no more. */
  restored?(): void;
  /** A host's journal was damaged or replaced by an old copy. */
  journalLost?(host: SimulatedHost): void;
}
