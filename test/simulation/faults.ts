import type { HostId } from '@drover/shared/model/id';
import type { Chance } from './chance.ts';
import type { SimulatedControlPlane } from './control-plane.ts';
import type { Network } from './link.ts';
import { JOURNAL_FOLDER, type SimulatedHost } from './simulated-host.ts';
import type { Stage } from './stage.ts';
import type { Timeline } from './timeline.ts';

export type Fault = { readonly weight: number; readonly strike: (ports: FaultPorts, host: SimulatedHost) => void };

interface FaultPorts {
  readonly stage: Stage;
  readonly timeline: Timeline;
  readonly chance: Chance;
  readonly network: Network;
  readonly log: (line: string) => void;
}

/** What can befall the world, and how often relative to each other. */
const FAULTS: readonly Fault[] = [
  { weight: 6, strike: ({ chance }, host) => host.lightFuse(chance.between(1, 60)) },
  { weight: 2, strike: (_ports, host) => host.crashAgent('killed') },
  { weight: 1, strike: (_ports, host) => void host.stopAgent() },
  { weight: 2, strike: (_ports, host) => host.crashHost() },
  { weight: 6, strike: ({ chance, stage }) => chance.pick(stage.controlPlanes).lightFuse(chance.between(1, 40)) },
  { weight: 2, strike: ({ chance, stage }) => chance.pick(stage.controlPlanes).crash('killed') },
  { weight: 3, strike: ({ network }, host) => network.drop(host.hostId) },
  { weight: 1, strike: ({ network, stage }) => dropAll(network, stage.hosts) },
  { weight: 3, strike: (ports, host) => partition(ports, host.hostId) },
  { weight: 1, strike: (ports, host) => fillDisk(ports, host) },
  { weight: 1, strike: (ports, host) => takeStorageAway(ports, host) },
  { weight: 2, strike: (ports, host) => damageJournal(ports, host) },
  { weight: 1, strike: (ports, host) => setClock(ports, host) },
  { weight: 1, strike: (ports) => setClock(ports, ports.chance.pick(ports.stage.controlPlanes)) },
  { weight: 1, strike: ({ stage }) => void stage.backUp() },
  { weight: 1, strike: ({ stage }) => void stage.restore() },
];

/** What befalls one world: some kinds of faults only, so that each also comes often, and without what hides it elsewhere. */
export function drawFaults(chance: Chance): readonly Fault[] {
  const share = chance.pick([0.2, 0.5, 1]);
  const drawn = FAULTS.filter(() => chance.happens(share));
  return drawn.length > 0 ? drawn : FAULTS;
}

export function strike(faults: readonly Fault[], stage: Stage, chance: Chance): void {
  const { timeline, network, tell: log } = stage;
  const ports = { stage, timeline, network, chance, log };
  let left = chance.between(
    1,
    faults.reduce((sum, { weight }) => sum + weight, 0),
  );
  const host = chance.pick(stage.hosts);
  for (const fault of faults) {
    left -= fault.weight;
    if (left > 0) continue;
    fault.strike(ports, host);
    return;
  }
}

/** For a while the database does not answer one control plane. */
export function loseDatabase({ controlPlanes, timeline, tell }: Stage, chance: Chance): void {
  const { name, database } = chance.pick(controlPlanes);
  tell(`${name} cannot reach the database`);
  database.isAway = true;
  timeline.after(chance.between(1_000, 20_000), () => {
    database.isAway = false;
  });
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

function setClock({ chance, stage }: FaultPorts, machine: SimulatedHost | SimulatedControlPlane): void {
  stage.setClock(machine, chance.pick([chance.between(-60_000, 60_000), chance.between(-HOUR_MS, HOUR_MS)]));
}
const HOUR_MS = 3_600_000;

/** One file rots while the agent is dead. What became of tasks cannot be learnt again from anybody, so theirs are left alone. */
function damageJournal({ chance, stage }: FaultPorts, host: SimulatedHost): void {
  const all = [...host.disk.files.keys()].filter((path) => path.endsWith('.json') && !path.startsWith(`${JOURNAL_FOLDER}/task-`));
  const guests = all.filter((path) => path.startsWith(`${JOURNAL_FOLDER}/guest-`));
  const paths = guests.length > 0 && chance.happens(0.5) ? guests : all;
  if (paths.length === 0 || !host.life) return;
  host.crashAgent('killed, and its disk rots');
  host.damage(chance.pick(paths));
  stage.told((watch) => watch.journalLost?.(host));
}
