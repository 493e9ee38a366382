import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Cell } from './crashes.ts';
import { Fleet } from './fleet.ts';
import { judge, OPERATIONS, type Operation, prepare, tidyUp } from './operations.ts';

/** Something that goes wrong around an operation. Each leaves the fleet whole: `after` mends what `before` broke. */
interface Fault {
  readonly name: string;
  /** Before the operation is asked for. */
  before?(fleet: Fleet): Promise<void>;
  /** Once it has been acknowledged. */
  after?(fleet: Fleet): Promise<void>;
  /** Undoes an acknowledged write, as a restored backup does: what remains is that everything agrees in the end. */
  readonly forgets?: boolean;
}

const FROZEN_MS = 3_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export const FAULTS: readonly Fault[] = [
  frozen('agent'),
  frozen('controlPlane'),
  {
    name: 'cut wire',
    before: async (fleet) => fleet.wire.cut(),
    async after(fleet) {
      await pause(1_000);
      fleet.wire.mend();
    },
  },
  {
    name: 'mute wire, up',
    before: async (fleet) => fleet.wire.mute('up'),
    async after(fleet) {
      await pause(FROZEN_MS);
      fleet.wire.mend();
    },
  },
  {
    name: 'mute wire, down',
    before: async (fleet) => fleet.wire.mute('down'),
    async after(fleet) {
      await pause(FROZEN_MS);
      fleet.wire.mend();
    },
  },
  trouble('controlPlane', 'doubled-messages'),
  trouble('controlPlane', 'reordered-messages'),
  trouble('controlPlane', 'late-messages'),
  trouble('agent', 'full-disk'),
  {
    name: 'replayed a day later',
    async after(fleet) {
      await fleet.converged();
      for (const part of [fleet.controlPlane, fleet.agent]) await part.setClock(DAY_MS);
      await fleet.controlPlane.suffer('replay');
      await fleet.converged();
      for (const part of [fleet.controlPlane, fleet.agent]) await part.setClock(0);
    },
  },
  {
    name: "host's clock an hour ahead",
    before: (fleet) => fleet.agent.setClock(HOUR_MS),
    after: (fleet) => fleet.agent.setClock(0),
  },
  {
    name: "host's clock an hour behind",
    before: (fleet) => fleet.agent.setClock(-HOUR_MS),
    after: (fleet) => fleet.agent.setClock(0),
  },
  journal('torn journal file', (text) => text.slice(0, text.length / 2)),
  journal('flipped bit in a journal file', (text) => text.replace(/.$/s, (last) => String.fromCharCode(last.charCodeAt(0) ^ 1))),
  restored('old journal', 'agent', (fleet) => join(fleet.hostPath, 'journal')),
  restored('old database', 'controlPlane', (fleet) => join(fleet.dataPath, 'control-plane')),
];

/** Each fault around each operation; `stride`: around every so manieth, another for each fault. */
export async function* strikeEach(stride: number, operations: readonly Operation[] = OPERATIONS): AsyncGenerator<Cell> {
  const fleet = await Fleet.start();
  try {
    for (const [turn, fault] of FAULTS.entries()) {
      for (const [index, operation] of operations.entries()) {
        if (index % stride === turn % stride) yield await strike(fleet, fault, operation, `f${turn}-${index}`);
      }
    }
  } finally {
    await fleet.close();
  }
}

async function strike(fleet: Fleet, fault: Fault, operation: Operation, guest: string): Promise<Cell> {
  let wrong: string | null = null;
  try {
    await prepare(fleet, operation, guest);
    const since = fleet.events().length;
    await fault.before?.(fleet);
    // What is stopped cannot answer: it is mended while the client goes on asking.
    const asked = operation.ask(fleet, guest);
    if (fault.before) await Promise.race([asked, pause(FROZEN_MS)]);
    else await asked;
    await fault.after?.(fleet);
    await asked;
    await fleet.converged();
    wrong = fault.forgets ? null : await judge(fleet, operation, guest, since);
    await tidyUp(fleet);
  } catch (error) {
    wrong = error instanceof Error ? error.message : String(error);
  }
  return { operation: operation.name, fault: fault.name, wrong };
}

function frozen(side: 'agent' | 'controlPlane'): Fault {
  return {
    name: side === 'agent' ? 'frozen agent' : 'frozen control plane',
    before: async (fleet) => fleet[side].signal('SIGSTOP'),
    async after(fleet) {
      await pause(FROZEN_MS);
      fleet[side].signal('SIGCONT');
    },
  };
}

function trouble(side: 'agent' | 'controlPlane', name: string): Fault {
  return {
    name: `${name.replace('-', ' ')} (${side === 'agent' ? 'agent' : 'control plane'})`,
    before: (fleet) => fleet[side].suffer(name),
    async after(fleet) {
      await pause(FROZEN_MS);
      await fleet[side].recover(name);
    },
  };
}

/** The newest file of the journal is spoilt while the agent is down. */
function journal(name: string, spoil: (text: string) => string): Fault {
  return {
    name,
    async after(fleet) {
      await fleet.converged();
      await kill(fleet, 'agent');
      const folder = join(fleet.hostPath, 'journal');
      const [file] = readdirSync(folder).filter((each) => each.startsWith('guest-') && each.endsWith('.json'));
      if (file) writeFileSync(join(folder, file), spoil(readFileSync(join(folder, file), 'utf8')));
    },
  };
}

/** A folder becomes again what it was before the operation. */
function restored(name: string, side: 'agent' | 'controlPlane', folderOf: (fleet: Fleet) => string): Fault {
  return {
    name,
    forgets: side === 'controlPlane',
    async before(fleet) {
      await kill(fleet, side);
      cpSync(folderOf(fleet), `${folderOf(fleet)}.old`, { recursive: true });
      await fleet.revive();
    },
    async after(fleet) {
      await fleet.converged();
      await kill(fleet, side);
      rmSync(folderOf(fleet), { recursive: true });
      cpSync(`${folderOf(fleet)}.old`, folderOf(fleet), { recursive: true });
      rmSync(`${folderOf(fleet)}.old`, { recursive: true });
    },
  };
}

async function kill(fleet: Fleet, side: 'agent' | 'controlPlane'): Promise<void> {
  // The simulated host is written down by its agent's end, so that the next one finds its guests.
  fleet[side].signal(side === 'agent' ? 'SIGTERM' : 'SIGKILL');
  await fleet[side].ended;
}
