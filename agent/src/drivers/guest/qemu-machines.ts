import { existsSync } from 'node:fs';
import type { Clock } from '@drover/shared/lib/clock';
import { Problem } from '@drover/shared/lib/problem';
import type { RunEnd } from '@drover/shared/model/guest';
import type { AgentConfig } from '../../config.ts';
import { isSupervisedAlive, type Supervised } from '../../host/supervise.ts';
import { readGuestFile } from './guest-folder.ts';
import { findQemuProcess, type MachineRecord, readMachineRecord, removeRunFolder, runFolderOf } from './qemu-files.ts';
import { QemuMachine } from './qemu-machine.ts';
import type { RunRecords } from './run-record.ts';
import { unplugTaps } from './tap.ts';

export interface QemuMachines {
  /** The guest's QEMU, also one that an earlier life of the agent started. What such a life left half done is cleaned up on the way. */
  find(id: number, folder: string): Promise<QemuMachine | null>;
  /** The guest's QEMU as far as it was found before. */
  known(id: number): QemuMachine | null;
  /** Follows up what has happened to a machine, and tells whether it runs: one whose guest has ended, or whose process has, is put away. */
  settle(machine: QemuMachine): Promise<boolean>;
  /** Ends a machine and puts it away. */
  conclude(machine: QemuMachine, how: RunEnd | null): Promise<void>;
  /** Takes away what a run leaves on the host. */
  sweep(id: number): Promise<void>;
  /** Starts a process by `launch`. Its half-made run folder is nobody's leftover meanwhile; after a failure nothing of it stays. */
  begin(id: number, folder: string, launch: () => Promise<LaunchedProcess>, signal: AbortSignal): Promise<void>;
  /** Lets go of all machines; they run on. */
  leave(): void;
}

export interface LaunchedProcess {
  readonly record: MachineRecord;
  readonly supervised: Supervised;
}

interface MachinesOptions {
  readonly config: AgentConfig;
  readonly clock: Clock;
  readonly log: (line: string) => void;
  readonly runs: RunRecords;
  readonly onChange: (id: number) => void;
}

const RECONNECT_MS = 2_000;

/** Every QEMU that runs on this host for us: found, followed, and put away once it has ended, whoever ended it and whenever. */
export function createQemuMachines({ config, clock, log, runs, onChange }: MachinesOptions): QemuMachines {
  const machines = new Map<number, QemuMachine>();
  const starting = new Set<number>();
  const recovering = new Map<number, Promise<QemuMachine | null>>();
  const concluding = new Map<QemuMachine, Promise<void>>();
  const sweeping = new Map<number, Promise<void>>();
  const runFolder = (id: number): string => runFolderOf(config.runPath, id);

  /** From now on this process is the guest's machine. */
  function adopt(id: number, record: MachineRecord, supervised: Supervised): QemuMachine {
    const machine = new QemuMachine({
      id,
      record,
      supervised,
      runFolder: runFolder(id),
      clock,
      onChange: (changed) => {
        // Not awaited: whoever observes next waits for the same conclusion.
        settle(changed).catch((error) => log(`guest ${id}: ${Problem.from(error).message}`));
        onChange(id);
      },
    });
    machines.set(id, machine);
    return machine;
  }

  /** The guest's QEMU, also one that an earlier life of the agent started. */
  function find(id: number, folder: string): Promise<QemuMachine | null> {
    const known = machines.get(id);
    if (known || starting.has(id) || sweeping.has(id)) return Promise.resolve(known ?? null);
    const under = recovering.get(id);
    if (under) return under;
    if (!existsSync(runFolder(id))) return Promise.resolve(null);
    const recovery = recover(id, folder).finally(() => recovering.delete(id));
    recovering.set(id, recovery);
    return recovery;
  }

  async function recover(id: number, folder: string): Promise<QemuMachine | null> {
    const record = readMachineRecord(runFolder(id));
    const recorded = record?.supervised ?? null;
    const supervised = recorded !== null && isSupervisedAlive(recorded) ? recorded : findQemuProcess(runFolder(id));
    if (supervised === null) {
      await sweep(id);
      return null;
    }
    const spec = record?.spec ?? readGuestFile(folder, id)?.spec;
    if (spec?.type !== 'vm')
      throw new Problem('host-failed', `guest ${id} runs as process ${supervised.pid}, but what it was started with is lost`);
    return adopt(id, record ?? { v: 1, folder, spec, accelerator: 'tcg', supervised }, supervised);
  }

  /** Takes away what a run leaves on the host. The run folder goes last: while it is there, somebody will come back to clean up. */
  function sweep(id: number): Promise<void> {
    const work =
      sweeping.get(id) ??
      unplugTaps(config.instance, id)
        .then(() => removeRunFolder(runFolder(id)))
        .finally(() => sweeping.delete(id));
    sweeping.set(id, work);
    return work;
  }

  /** Follows up what has happened to a machine: one whose guest has ended, or whose process has, is put away. */
  async function settle(machine: QemuMachine): Promise<boolean> {
    // An event may come late, when the guest has a new machine already.
    if (machines.get(machine.id) !== machine) return false;
    if (machine.isAlive && !concluding.has(machine)) {
      if (!machine.isConnected) await reconnect(machine);
      if (machine.fate === null && machine.isAlive) return true;
    }
    await machine.hearOut();
    await conclude(machine, machine.fate);
    return false;
  }

  async function reconnect(machine: QemuMachine): Promise<void> {
    const deadline = new AbortController();
    const cancel = clock.after(RECONNECT_MS, () => deadline.abort());
    try {
      await machine.connect(deadline.signal);
    } catch (error) {
      // Its process lives, so it runs; the next look tries again.
      if (machine.isAlive) log(`guest ${machine.id}: no word from its monitor: ${Problem.from(error).message}`);
    } finally {
      cancel();
    }
  }

  /** Records how the run ended (before anything is taken away), ends the process, cleans up. Once for each machine. */
  function conclude(machine: QemuMachine, how: RunEnd | null): Promise<void> {
    const under = concluding.get(machine);
    if (under) return under;
    // Put away already: the run that goes on by now is another's.
    if (machines.get(machine.id) !== machine) return Promise.resolve();
    const work = (async () => {
      const { folder } = machine.record;
      if (how === null) runs.read(folder, false);
      else runs.end(folder, how);
      await machine.end();
      if (machines.get(machine.id) !== machine) return;
      machines.delete(machine.id);
      // Not waited for: the guest is gone, and the next start or removal waits. What fails is tried again then.
      sweep(machine.id).catch((error) => log(`guest ${machine.id}: ${Problem.from(error).message}`));
    })().finally(() => concluding.delete(machine));
    concluding.set(machine, work);
    work.then(
      () => onChange(machine.id),
      () => {},
    );
    return work;
  }

  async function begin(id: number, folder: string, launch: () => Promise<LaunchedProcess>, signal: AbortSignal): Promise<void> {
    starting.add(id);
    try {
      await sweeping.get(id);
      const { record, supervised } = await launch();
      await adopt(id, record, supervised).connect(signal);
    } catch (error) {
      starting.delete(id);
      // The process may have been started although the launch failed.
      const machine = await find(id, folder);
      if (machine) await conclude(machine, null);
      await sweep(id);
      throw error;
    } finally {
      starting.delete(id);
    }
  }

  function leave(): void {
    const left = [...machines.values()];
    machines.clear();
    for (const machine of left) machine.close();
  }

  return { find, known: (id) => machines.get(id) ?? null, settle, conclude, sweep, begin, leave };
}
