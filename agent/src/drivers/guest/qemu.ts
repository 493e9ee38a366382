import { copyFileSync, existsSync, readdirSync, renameSync, rmSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { assert } from '@drover/shared/lib/assert';
import type { Clock } from '@drover/shared/lib/clock';
import { Problem } from '@drover/shared/lib/problem';
import type { GuestSpec, RunEnd, VmSpec } from '@drover/shared/model/guest';
import type { DriverDescription } from '@drover/shared/model/host';
import type { AgentConfig } from '../../config.ts';
import { isSupervisedAlive, lastLines, type Supervised, supervise } from '../../host/supervise.ts';
import type { Stream } from '../stream.ts';
import type { GuestDefinition, GuestDriver, ObservedGuest } from './driver.ts';
import { execThroughAgent } from './guest-exec.ts';
import { createGuestFileReader, identifyGuestFolder, removeGuestFile, writeGuestFile } from './guest-folder.ts';
import { ensureSeed, ensureUuid, seedPath, systemdCredentials, wantsSeed } from './identity.ts';
import { efiVariablesPath, qemuCommand, serialLogPath } from './qemu-command.ts';
import {
  findQemuProcess,
  listRunFolders,
  type MachineRecord,
  makeRunFolder,
  readMachineRecord,
  removeRunFolder,
  runFolderOf,
  writeMachineRecord,
} from './qemu-files.ts';
import { lookAtQemu, QEMU_PROGRAM, type QemuFacts, supportsDirectIo } from './qemu-host.ts';
import { QemuMachine } from './qemu-machine.ts';
import { createRunRecords } from './run-record.ts';
import { plugTaps, tapName, unplugTaps } from './tap.ts';

export interface QemuDriver extends GuestDriver {
  /** Ends every conversation and watch, as the agent does before it ends; guests go on. */
  leave(): void;
}

export interface QemuDriverOptions {
  readonly config: AgentConfig;
  readonly clock: Clock;
  readonly log: (line: string) => void;
  /** Words added to QEMU's command line, for tests and benchmarks that boot a kernel directly; never set in the agent. */
  readonly extraArguments?: (definition: GuestDefinition) => readonly string[];
}

const RECONNECT_MS = 2_000;
const POLITE_REBOOT_MS = 120_000;
const ASK_AGAIN_MS = 10_000;
const SERIAL_LOG_BYTES_MAX = 4 * 2 ** 20;
const SERIAL_LOG_LOOK_MS = 60_000;

/** Virtual machines by QEMU, each in a process of its own that outlives the agent, spoken to over QMP. */
export function createQemuDriver({ config, clock, log, extraArguments = () => [] }: QemuDriverOptions): QemuDriver {
  const readGuestFile = createGuestFileReader();
  const runs = createRunRecords(clock);
  const machines = new Map<number, QemuMachine>();
  /** Guests whose process is being started: half-made run folders of theirs are not leftovers. */
  const starting = new Set<number>();
  const recovering = new Map<number, Promise<QemuMachine | null>>();
  const concluding = new Map<QemuMachine, Promise<void>>();
  const sweeping = new Map<number, Promise<void>>();
  const queues = new Map<number, Promise<unknown>>();
  /** How often a guest was told to end: a reboot that is under way then does not start it again. */
  const endings = new Map<number, number>();
  const watchers = new Set<(id: number) => void>();
  const logLookedAtMs = new Map<number, number>();
  let facts: Promise<QemuFacts> | null = null;

  const runFolder = (id: number): string => runFolderOf(config.runPath, id);
  const tell = (id: number): void => {
    for (const changed of watchers) changed(id);
  };

  function qemu(): Promise<QemuFacts> {
    facts ??= lookAtQemu().catch((error) => {
      facts = null;
      throw error;
    });
    return facts;
  }

  /** One at a time for each guest. */
  function inTurn<T>(id: number, work: () => Promise<T>): Promise<T> {
    const turn = (queues.get(id) ?? Promise.resolve()).then(work, work);
    const settled = turn.catch(() => {});
    queues.set(id, settled);
    settled.then(() => {
      if (queues.get(id) === settled) queues.delete(id);
    });
    return turn;
  }

  function adoptProcess(id: number, record: MachineRecord, supervised: Supervised): QemuMachine {
    const machine = new QemuMachine({
      id,
      record,
      supervised,
      runFolder: runFolder(id),
      clock,
      onChange: (changed) => {
        // Not awaited: whoever observes next waits for the same conclusion.
        settle(changed).catch((error) => log(`guest ${id}: ${Problem.from(error).message}`));
        tell(id);
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
    return adoptProcess(id, record ?? { v: 1, folder, spec, accelerator: 'tcg', supervised }, supervised);
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
    if (concluding.has(machine) || !machine.isAlive) {
      await conclude(machine, null);
      return false;
    }
    if (!machine.isConnected) await reconnect(machine);
    if (machine.fate === 'runs') return machine.isAlive;
    await conclude(machine, machine.fate === 'crashed' ? 'crash' : 'self');
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
      () => tell(machine.id),
      () => {},
    );
    return work;
  }

  async function launch(definition: GuestDefinition, spec: VmSpec, signal: AbortSignal): Promise<void> {
    const { id } = definition;
    const { folder } = definition.places;
    const host = await qemu();
    const uuid = ensureUuid(folder);
    const seed = wantsSeed(spec) ? seedPath(folder, spec, uuid) : null;
    if (seed !== null && !existsSync(seed)) await ensureSeed(folder, spec, uuid, signal);
    if (spec.firmware === 'uefi') ensureEfiVariables(folder, host);
    const taps = definition.places.nics.map((_nic, index) => tapName(config.instance, id, index));
    const argv = qemuCommand(definition, host, {
      runFolder: runFolder(id),
      uuid,
      taps,
      direct: new Set(definition.places.disks.map(({ path }) => path).filter(supportsDirectIo)),
      credentials: systemdCredentials(spec),
      seedPath: seed,
    });
    rotate(serialLogPath(folder));
    rotate(join(folder, 'qemu.log'));
    const record: MachineRecord = { v: 1, folder, spec, accelerator: host.kvm ? 'kvm' : 'tcg', supervised: null };
    makeRunFolder(runFolder(id));
    writeMachineRecord(runFolder(id), record);
    const takeBack = runs.begin(folder, spec.powerRequest);
    try {
      await plugTaps(taps, definition.places.nics, signal);
      const supervised = await supervise(QEMU_PROGRAM, [...argv, ...extraArguments(definition)], {
        unit: `drover${config.instance}-vm-${id}`,
        slice: 'drover.slice',
        description: `Drover VM ${id} (${spec.name})`,
        logPath: join(folder, 'qemu.log'),
      });
      writeMachineRecord(runFolder(id), { ...record, supervised });
      await adoptProcess(id, { ...record, supervised }, supervised).connect(signal);
    } catch (error) {
      const reason = error instanceof Problem && error.message === 'QEMU ended' ? startFailure(folder) : error;
      await abandon(id, folder);
      takeBack();
      throw reason;
    }
  }

  /** After a start that failed: no process, no device, no file of it stays. */
  async function abandon(id: number, folder: string): Promise<void> {
    starting.delete(id);
    const machine = await find(id, folder);
    if (machine) await conclude(machine, null);
    await sweep(id);
  }

  async function start(definition: GuestDefinition, signal: AbortSignal): Promise<void> {
    const { id, spec, places } = definition;
    assert(spec.type === 'vm', 'QEMU runs virtual machines');
    const machine = await find(id, places.folder);
    if (machine && (await settle(machine))) return runs.adopt(places.folder, spec.powerRequest);
    signal.throwIfAborted();
    starting.add(id);
    try {
      await sweeping.get(id);
      await launch(definition, spec, signal);
    } finally {
      starting.delete(id);
    }
  }

  async function stop(id: number, folder: string): Promise<void> {
    endings.set(id, (endings.get(id) ?? 0) + 1);
    const machine = await find(id, folder);
    if (!machine) return;
    runs.ask(folder);
    await conclude(machine, 'asked');
  }

  async function rebootPolitely(definition: GuestDefinition, signal: AbortSignal): Promise<void> {
    const { id, places } = definition;
    const machine = await find(id, places.folder);
    if (machine && (await settle(machine))) {
      const told = endings.get(id);
      const given = AbortSignal.any([signal, deadline(POLITE_REBOOT_MS)]);
      runs.ask(places.folder);
      try {
        const ended = machine.waitFor(({ event }) => event === 'SHUTDOWN' || event === 'GUEST_PANICKED' || event === 'DROVER_LOST', given);
        await askUntil(machine, ended, given);
      } catch (error) {
        runs.unask(places.folder);
        if (signal.aborted || !given.aborted) throw error;
        throw new Problem('timeout', `the guest did not shut down within ${POLITE_REBOOT_MS / 1_000} s`, {
          suggestion: 'reboot it with force, which is like its reset button',
        });
      }
      await settle(machine);
      if (endings.get(id) !== told) throw new Problem('cancelled', 'the guest was told to end while it was rebooting');
    }
    await inTurn(id, () => start(definition, signal));
  }

  async function rebootByForce(definition: GuestDefinition, signal: AbortSignal): Promise<void> {
    const { id, spec, places } = definition;
    const machine = await find(id, places.folder);
    if (machine && (await settle(machine)) && machine.isConnected && restartFields(machine.record.spec, spec).length === 0) {
      const reset = machine.waitFor(({ event }) => event === 'RESET' || event === 'DROVER_LOST', signal);
      reset.catch(() => {});
      await machine.execute('system_reset');
      await reset;
      if (await settle(machine)) {
        runs.end(places.folder, 'asked');
        runs.begin(places.folder, spec.powerRequest);
        return;
      }
    }
    // New settings need a new process.
    await stop(id, places.folder);
    await start(definition, signal);
  }

  /** A guest that is still booting does not hear the power button: it is pressed until it ends. */
  async function askUntil(machine: QemuMachine, ended: Promise<void>, signal: AbortSignal): Promise<void> {
    let isOver = false;
    const over = ended.finally(() => {
      isOver = true;
    });
    over.catch(() => {});
    while (!isOver && !signal.aborted) {
      await machine.powerDown();
      await Promise.race([over, clock.sleep(ASK_AGAIN_MS, signal).catch(() => {})]);
    }
    await over;
  }

  function deadline(delayMs: number): AbortSignal {
    const controller = new AbortController();
    clock.after(delayMs, () => controller.abort(new Problem('timeout', `it took longer than ${Math.round(delayMs / 1_000)} s`)));
    return controller.signal;
  }

  /** A running guest's serial log is cut when it has grown too long: QEMU appends, so it goes on at the start. */
  function boundSerialLog(id: number, folder: string): void {
    const now = clock.now();
    if (now - (logLookedAtMs.get(id) ?? 0) < SERIAL_LOG_LOOK_MS) return;
    logLookedAtMs.set(id, now);
    const path = serialLogPath(folder);
    if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) <= SERIAL_LOG_BYTES_MAX) return;
    copyFileSync(path, `${path}.1`);
    truncateSync(path, 0);
  }

  async function running(id: number, folder: string): Promise<QemuMachine> {
    const machine = await find(id, folder);
    if (!machine || !(await settle(machine)))
      throw new Problem('wrong-state', 'the guest is not running', { suggestion: 'start it first' });
    return machine;
  }

  return {
    type: 'vm',
    name: 'qemu',
    probe: () => {
      facts = null;
      return describe(qemu);
    },
    async list(folders) {
      const defined = folders.flatMap((folder) => {
        const guest = identifyGuestFolder(folder);
        return guest?.type === 'vm' ? [guest.id] : [];
      });
      return [...new Set([...defined, ...listRunFolders(config.runPath)])].sort((a, b) => a - b);
    },
    async observe(id, folder) {
      const machine = await find(id, folder);
      const isRunning = machine !== null && (await settle(machine));
      const applied = readGuestFile(folder, id);
      const lastRun = runs.read(folder, isRunning || starting.has(id));
      if (!isRunning && applied === null && lastRun === null) return null;
      if (isRunning) boundSerialLog(id, folder);
      const observed: ObservedGuest = {
        id,
        type: 'vm',
        applied,
        running: isRunning,
        lastRun,
        needsRestart: isRunning && applied ? restartFields(machine.record.spec, applied.spec) : [],
        accelerator: isRunning ? machine.record.accelerator : null,
      };
      return observed;
    },
    define: (definition, signal) =>
      inTurn(definition.id, async () => {
        const { id, spec, places } = definition;
        assert(spec.type === 'vm', 'QEMU runs virtual machines');
        const uuid = ensureUuid(places.folder);
        if (spec.firmware === 'uefi') ensureEfiVariables(places.folder, await qemu());
        if (wantsSeed(spec)) await ensureSeed(places.folder, spec, uuid, signal);
        writeGuestFile(places.folder, id, spec);
      }),
    start: (definition, signal) => inTurn(definition.id, () => start(definition, signal)),
    async shutdown(id, folder) {
      endings.set(id, (endings.get(id) ?? 0) + 1);
      const machine = await find(id, folder);
      if (!machine || !(await settle(machine))) return;
      runs.ask(folder);
      await machine.powerDown();
    },
    stop: (id, folder) => inTurn(id, () => stop(id, folder)),
    reboot: (definition, force, signal) =>
      force ? inTurn(definition.id, () => rebootByForce(definition, signal)) : rebootPolitely(definition, signal),
    remove: (id, folder) =>
      inTurn(id, async () => {
        const machine = await find(id, folder);
        if (machine && (await settle(machine))) throw new Problem('wrong-state', 'the guest is running', { suggestion: 'stop it first' });
        await sweep(id);
        removeGuestFiles(folder);
        runs.remove(folder);
        removeGuestFile(folder);
        endings.delete(id);
        logLookedAtMs.delete(id);
      }),
    async exec(id, folder, command, tty): Promise<Stream> {
      if (tty)
        throw new Problem('unsupported', 'a program in a VM cannot have a terminal: the guest agent has none', {
          suggestion: 'open the console instead, or leave the terminal out',
        });
      const machine = await running(id, folder);
      return execThroughAgent(await machine.agent(), command, clock);
    },
    async console(id, folder) {
      return (await running(id, folder)).console.attach();
    },
    watch(changed) {
      watchers.add(changed);
      return () => watchers.delete(changed);
    },
    leave() {
      watchers.clear();
      const left = [...machines.values()];
      machines.clear();
      for (const machine of left) machine.close();
    },
  };
}

/** Settings of a VM that count from the next start of its process on. */
const RESTART_FIELDS = ['memoryBytes', 'cores', 'firmware', 'cdromImageId', 'disks', 'nics'] as const;

function restartFields(runs: VmSpec, applied: GuestSpec): string[] {
  if (applied.type !== 'vm') return [];
  return RESTART_FIELDS.filter((field) => JSON.stringify(runs[field]) !== JSON.stringify(applied[field]));
}

async function describe(look: () => Promise<QemuFacts>): Promise<DriverDescription> {
  const about = { port: 'guest', name: 'qemu', title: 'Virtual machines (QEMU)' } as const;
  try {
    const host = await look();
    const slow = host.noKvmReason === null ? null : `${host.noKvmReason}; guests are emulated (TCG), which is many times slower`;
    const bios = host.uefi === null ? 'no UEFI: package ovmf is not installed' : null;
    const reason = [slow, bios].filter((part) => part !== null).join('. ');
    const capabilities = { accelerator: host.kvm ? 'kvm' : 'tcg', uefi: host.uefi !== null, sandbox: host.sandbox };
    return { ...about, usable: true, version: host.version, capabilities, ...(reason === '' ? {} : { reason }) };
  } catch (error) {
    return { ...about, usable: false, reason: Problem.from(error).message, capabilities: {} };
  }
}

/** The guest's own copy of the firmware's variables: boot entries that its system writes are kept there. */
function ensureEfiVariables(folder: string, host: QemuFacts): void {
  const path = efiVariablesPath(folder);
  if (existsSync(path)) return;
  if (host.uefi === null)
    throw new Problem('unsupported', 'UEFI firmware (package ovmf) is not installed on this host', { field: 'firmware' });
  copyFileSync(host.uefi.varsPath, `${path}.new`);
  renameSync(`${path}.new`, path);
}

function rotate(path: string): void {
  if (existsSync(path)) renameSync(path, `${path}.1`);
}

const GUEST_FILES = /^(uuid|efi-variables\.fd|seed-[0-9a-f]{12}\.img|seed|serial\.log|qemu\.log)(\.new|\.1)?$/;

function removeGuestFiles(folder: string): void {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) if (GUEST_FILES.test(name)) rmSync(join(folder, name), { recursive: true, force: true });
}

/** QEMU's own last words, without those that only tell how it was called. */
function startFailure(folder: string): Problem {
  return new Problem('host-failed', `QEMU ended as soon as it was started${lastLines(join(folder, 'qemu.log'))}`, { retryable: true });
}
