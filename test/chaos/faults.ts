import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Trial } from './cell.ts';
import type { Side } from './crashes.ts';
import type { BrokerKind, Fleet } from './fleet.ts';
import type { Operation } from './operations.ts';
import { LATEST_MS } from './unruly.ts';

/** Something that goes wrong around an operation. Each leaves the fleet whole: `after` mends what `before` broke. */
export interface Fault {
  readonly name: string;
  /** Before the operation is asked for. */
  before?(fleet: Fleet): Promise<void>;
  /** Once it has been acknowledged. */
  after?(fleet: Fleet): Promise<void>;
  readonly forgets?: boolean;
  /** Absent: of the embedded one alone. */
  readonly brokers?: readonly BrokerKind[];
}

const FROZEN_MS = 3_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const BOTH = ['embedded', 'mosquitto'] as const;

const FAULTS: readonly Fault[] = [
  frozen('frozen agent', (fleet, signal) => fleet.agent.signal(signal)),
  frozen('frozen control plane', (fleet, signal) => fleet.controlPlane.signal(signal)),
  { ...frozen('frozen broker', (fleet, signal) => fleet.broker?.signal(signal)), brokers: ['mosquitto'] },
  {
    name: 'broker away',
    brokers: ['mosquitto'],
    before: async (fleet) => fleet.broker?.stop(),
    async after(fleet) {
      await pause(FROZEN_MS);
      await fleet.broker?.start();
    },
  },
  { ...wires('cut wire', (wire) => wire.cut(), 1_000), brokers: BOTH },
  { ...wires('mute wire, up', (wire) => wire.mute('up')), brokers: BOTH },
  { ...wires('mute wire, down', (wire) => wire.mute('down')), brokers: BOTH },
  {
    name: 'wire 60 s slow',
    async before(fleet) {
      for (const wire of fleet.wires) wire.slow(LATEST_MS);
    },
    async after(fleet) {
      await pause(FROZEN_MS);
      for (const wire of fleet.wires) wire.mend();
      // What is under way still comes, and all that is said meanwhile after it.
      await pause(LATEST_MS);
    },
  },
  { ...trouble('controlPlane', 'doubled-messages'), brokers: BOTH },
  { ...trouble('controlPlane', 'reordered-messages'), brokers: BOTH },
  trouble('controlPlane', 'late-messages'),
  trouble('agent', 'doubled-messages'),
  trouble('agent', 'reordered-messages'),
  trouble('agent', 'late-messages'),
  {
    name: 'messages up to 60 s late, both ways',
    async before(fleet) {
      for (const part of [fleet.controlPlane, fleet.agent]) await part.suffer('very-late-messages');
    },
    async after(fleet) {
      for (const part of [fleet.controlPlane, fleet.agent]) await part.recover('very-late-messages');
      await fleet.converged();
      // The last of them is still under way, and is the last fault.
      await pause(LATEST_MS);
    },
  },
  { ...trouble('controlPlane', 'forged-messages'), brokers: BOTH },
  trouble('agent', 'full-disk'),
  trouble('controlPlane', 'full-disk'),
  {
    name: 'replayed a day later',
    async after(fleet) {
      await fleet.converged();
      for (const part of [fleet.controlPlane, fleet.agent]) await part.setClock(DAY_MS);
      await fleet.controlPlane.suffer('replay');
      await fleet.controlPlane.recover('replay');
      await fleet.converged();
      for (const part of [fleet.controlPlane, fleet.agent]) await part.setClock(0);
    },
  },
  clock('agent', 'an hour ahead', [HOUR_MS]),
  clock('agent', 'an hour behind', [-HOUR_MS]),
  clock('agent', 'jumping', [HOUR_MS, -HOUR_MS, DAY_MS, 0]),
  clock('controlPlane', 'an hour ahead', [HOUR_MS]),
  clock('controlPlane', 'an hour behind', [-HOUR_MS]),
  clock('controlPlane', 'jumping', [HOUR_MS, -HOUR_MS, DAY_MS, 0]),
  journal('torn journal file', (text) => text.slice(0, text.length / 2)),
  journal('flipped bit in a journal file', (text) => text.replace(/.$/s, (last) => String.fromCharCode(last.charCodeAt(0) ^ 1))),
  restored('old journal', 'agent', (fleet) => join(fleet.hostPath, 'journal')),
  restored('old database', 'controlPlane', (fleet) => join(fleet.dataPath, 'control-plane')),
];

/** Each fault around an operation, with each broker that it is of. */
export function faultsAround(operation: Operation): readonly Trial[] {
  return FAULTS.flatMap((fault) => (fault.brokers ?? ['embedded']).map((broker) => trialOf(fault, operation, broker)));
}

function trialOf(fault: Fault, operation: Operation, broker: BrokerKind): Trial {
  return {
    operation,
    column: broker === 'embedded' ? fault.name : `${fault.name} (Mosquitto)`,
    broker,
    ...(fault.forgets ? { forgets: true } : {}),
    async strike(fleet, ask) {
      await fault.before?.(fleet);
      // What is stopped cannot answer: it is mended while the client goes on asking.
      const asked = ask();
      if (fault.before) await Promise.race([asked, pause(FROZEN_MS)]);
      else await asked;
      await fault.after?.(fleet);
      await asked;
      return this.column;
    },
  };
}

function frozen(name: string, signal: (fleet: Fleet, signal: NodeJS.Signals) => void): Fault {
  return {
    name,
    before: async (fleet) => signal(fleet, 'SIGSTOP'),
    async after(fleet) {
      await pause(FROZEN_MS);
      signal(fleet, 'SIGCONT');
    },
  };
}

function wires(name: string, spoil: (wire: Fleet['wires'][number]) => void, forMs = FROZEN_MS): Fault {
  return {
    name,
    before: async (fleet) => fleet.wires.forEach(spoil),
    async after(fleet) {
      await pause(forMs);
      for (const wire of fleet.wires) wire.mend();
    },
  };
}

function whose(side: Side): string {
  return side === 'agent' ? 'host' : 'control plane';
}

function trouble(side: Side, name: string): Fault {
  return {
    name: `${name.replace('-', ' ')}, ${whose(side)}`,
    before: (fleet) => fleet[side].suffer(name),
    async after(fleet) {
      await pause(FROZEN_MS);
      await fleet[side].recover(name);
    },
  };
}

/** A clock that is set to one time after another, and is right again in the end. */
function clock(side: Side, name: string, aheadMs: readonly number[]): Fault {
  const [first = 0, ...others] = aheadMs;
  return {
    name: `${whose(side)}'s clock ${name}`,
    before: (fleet) => fleet[side].setClock(first),
    async after(fleet) {
      for (const other of others) {
        await fleet[side].setClock(other);
        await pause(FROZEN_MS / others.length);
      }
      await fleet[side].setClock(0);
    },
  };
}

/** A guest's file in the journal is spoilt while the agent is down. */
function journal(name: string, spoil: (text: string) => string): Fault {
  return {
    name,
    async after(fleet) {
      await fleet.converged();
      await end(fleet, 'agent');
      const folder = join(fleet.hostPath, 'journal');
      const [file] = readdirSync(folder).filter((each) => each.startsWith('guest-') && each.endsWith('.json'));
      if (file) writeFileSync(join(folder, file), spoil(readFileSync(join(folder, file), 'utf8')));
    },
  };
}

/** A folder becomes again what it was before the operation. */
function restored(name: string, side: Side, folderOf: (fleet: Fleet) => string): Fault {
  return {
    name,
    forgets: side === 'controlPlane',
    async before(fleet) {
      await end(fleet, side);
      cpSync(folderOf(fleet), `${folderOf(fleet)}.old`, { recursive: true });
      await fleet.revive();
    },
    async after(fleet) {
      await fleet.converged();
      await end(fleet, side);
      rmSync(folderOf(fleet), { recursive: true });
      cpSync(`${folderOf(fleet)}.old`, folderOf(fleet), { recursive: true });
      rmSync(`${folderOf(fleet)}.old`, { recursive: true });
    },
  };
}

async function end(fleet: Fleet, side: Side): Promise<void> {
  // The simulated host is written down by its agent's end, so that the next one finds its guests.
  fleet[side].signal(side === 'agent' ? 'SIGTERM' : 'SIGKILL');
  await fleet[side].ended;
}
