import type { HostId } from '@drover/shared/model/id';
import type { Chance } from './chance.ts';
import type { SimulatedControlPlane } from './control-plane.ts';
import type { Network } from './link.ts';
import { JOURNAL_FOLDER, type SimulatedHost } from './simulated-host.ts';
import type { Timeline } from './timeline.ts';

export interface FaultPorts {
  readonly timeline: Timeline;
  readonly chance: Chance;
  readonly network: Network;
  readonly hosts: readonly SimulatedHost[];
  readonly controlPlanes: readonly SimulatedControlPlane[];
  readonly log: (line: string) => void;
  readonly backUp: () => Promise<void>;
  readonly restore: () => Promise<void>;
  readonly journalLost: (host: SimulatedHost) => void;
}

/** What can befall the world, and how often relative to each other. */
const FAULTS: readonly { readonly weight: number; readonly strike: (ports: FaultPorts, host: SimulatedHost) => void }[] = [
  { weight: 6, strike: ({ chance }, host) => host.lightFuse(chance.between(1, 60)) },
  { weight: 2, strike: (_ports, host) => host.crashAgent('killed') },
  { weight: 1, strike: (_ports, host) => void host.stopAgent() },
  { weight: 2, strike: (_ports, host) => host.crashHost() },
  { weight: 6, strike: ({ chance, controlPlanes }) => chance.pick(controlPlanes).lightFuse(chance.between(1, 40)) },
  { weight: 2, strike: ({ chance, controlPlanes }) => chance.pick(controlPlanes).crash('killed') },
  { weight: 3, strike: ({ network }, host) => network.drop(host.hostId) },
  { weight: 1, strike: ({ network, hosts }) => dropAll(network, hosts) },
  { weight: 3, strike: (ports, host) => partition(ports, host.hostId) },
  { weight: 1, strike: (ports, host) => fillDisk(ports, host) },
  { weight: 1, strike: (ports, host) => takeStorageAway(ports, host) },
  { weight: 2, strike: (ports, host) => damageJournal(ports, host) },
  { weight: 1, strike: (ports, host) => setClock(ports, host) },
  { weight: 1, strike: (ports) => setClock(ports, ports.chance.pick(ports.controlPlanes)) },
  { weight: 1, strike: ({ backUp }) => void backUp() },
  { weight: 1, strike: ({ restore }) => void restore() },
];

const WEIGHT = FAULTS.reduce((sum, { weight }) => sum + weight, 0);

export function strike(ports: FaultPorts): void {
  let left = ports.chance.between(1, WEIGHT);
  const host = ports.chance.pick(ports.hosts);
  for (const fault of FAULTS) {
    left -= fault.weight;
    if (left > 0) continue;
    fault.strike(ports, host);
    return;
  }
}

function dropAll(network: Network, hosts: readonly SimulatedHost[]): void {
  for (const { hostId } of hosts) network.drop(hostId);
}

function partition({ timeline, chance, network, log }: FaultPorts, hostId: HostId): void {
  const directions = chance.pick([
    { up: true, down: true },
    { up: true, down: false },
    { up: false, down: true },
  ]);
  log(`${hostId} is cut off${directions.up ? ' upwards' : ''}${directions.down ? ' downwards' : ''}`);
  network.cutOff(hostId, directions);
  timeline.after(chance.between(2_000, 120_000), () => network.heal(hostId));
}

function fillDisk({ timeline, chance, log }: FaultPorts, host: SimulatedHost): void {
  log(`${host.name}: the disk is full`);
  host.disk.full = true;
  timeline.after(chance.between(1_000, 20_000), () => {
    host.disk.full = false;
    log(`${host.name}: the disk has room again`);
  });
}

function takeStorageAway({ timeline, chance, log }: FaultPorts, host: SimulatedHost): void {
  const [storage] = [...host.machine.storages.values()];
  if (!storage) return;
  log(`${host.name}: the storage is away`);
  storage.away = true;
  timeline.after(chance.between(1_000, 30_000), () => {
    storage.away = false;
    log(`${host.name}: the storage is back`);
  });
}

/** Somebody, or NTP, sets the clock of one machine, while what runs there goes on. */
function setClock({ chance, log }: FaultPorts, machine: SimulatedHost | SimulatedControlPlane): void {
  const byMs = chance.pick([chance.between(-60_000, 60_000), chance.between(-HOUR_MS, HOUR_MS)]);
  log(`${machine.name}: the clock is set ${byMs < 0 ? 'back' : 'forward'} by ${Math.abs(Math.round(byMs / 1_000))} s`);
  machine.wallClock.jump(byMs);
}
const HOUR_MS = 3_600_000;

/** One file rots while the agent is dead. What became of tasks cannot be learnt again from anybody, so theirs are left alone. */
function damageJournal({ chance, journalLost }: FaultPorts, host: SimulatedHost): void {
  const all = [...host.disk.files.keys()].filter((path) => path.endsWith('.json') && !path.startsWith(`${JOURNAL_FOLDER}/task-`));
  const guests = all.filter((path) => path.startsWith(`${JOURNAL_FOLDER}/guest-`));
  const paths = guests.length > 0 && chance.happens(0.5) ? guests : all;
  if (paths.length === 0 || !host.life) return;
  host.crashAgent('killed, and its disk rots');
  host.damage(chance.pick(paths));
  journalLost(host);
}
