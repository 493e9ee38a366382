import { existsSync } from 'node:fs';
import { assert } from '@drover/shared/lib/assert';
import type { Clock } from '@drover/shared/lib/clock';
import { Problem } from '@drover/shared/lib/problem';
import type { GuestSpec, VmSpec } from '@drover/shared/model/guest';
import type { DriverDescription } from '@drover/shared/model/host';
import type { AgentConfig } from '../../config.ts';
import { GUESTS_SLICE, lastLines, supervise } from '../../host/supervise.ts';
import type { Stream } from '../stream.ts';
import type { EndCause, GuestDefinition, GuestDriver, ObservedGuest } from './driver.ts';
import { execThroughAgent } from './guest-exec.ts';
import { createGuestFileReader, identifyGuestFolder, removeGuestFile, writeGuestFile } from './guest-folder.ts';
import { ensureSeed, ensureUuid, seedPath, systemdCredentials, wantsSeed } from './identity.ts';
import { qemuCommand } from './qemu-command.ts';
import { listRunFolders, type MachineRecord, makeRunFolder, runFolderOf, writeMachineRecord } from './qemu-files.ts';
import { boundSerialLog, ensureEfiVariables, qemuLogPath, removeGuestFiles, rotateLogs } from './qemu-folder.ts';
import { lookAtQemu, QEMU_PROGRAM, type QemuFacts, supportsDirectIo } from './qemu-host.ts';
import type { QemuMachine } from './qemu-machine.ts';
import { createQemuMachines, type LaunchedProcess } from './qemu-machines.ts';
import { createRunRecords } from './run-record.ts';
import { plugTaps, tapName } from './tap.ts';
import { createTurns } from './turns.ts';

export interface QemuDriverOptions {
  readonly config: AgentConfig;
  readonly clock: Clock;
  readonly log: (line: string) => void;
  /** Words added to QEMU's command line, for tests and benchmarks that boot a kernel directly; never set in the agent. */
  readonly extraArguments?: (definition: GuestDefinition) => readonly string[];
}

const POLITE_REBOOT_MS = 120_000;
const ASK_AGAIN_MS = 10_000;
const SERIAL_LOG_LOOK_MS = 60_000;

/** Virtual machines by QEMU, each in a process of its own that outlives the agent, spoken to over QMP. */
export function createQemuDriver({ config, clock, log, extraArguments = () => [] }: QemuDriverOptions): GuestDriver {
  const readGuestFile = createGuestFileReader();
  const runs = createRunRecords(clock);
  const watchers = new Set<(id: number) => void>();
  const machines = createQemuMachines({
    config,
    clock,
    log,
    runs,
    onChange: (id) => {
      for (const changed of watchers) changed(id);
    },
  });
  const inTurn = createTurns();
  /** How often a guest was told to end: a reboot that is under way then does not start it again. */
  const endings = new Map<number, number>();
  /** Guests whose run has begun in the record, and whose machine is not there yet. */
  const logLookedAtMs = new Map<number, number>();
  let facts: Promise<QemuFacts> | null = null;

  function qemu(): Promise<QemuFacts> {
    facts ??= lookAtQemu().catch((error) => {
      facts = null;
      throw error;
    });
    return facts;
  }

  /** Starts the process that a definition asks for. */
  async function launch(definition: GuestDefinition, spec: VmSpec, signal: AbortSignal): Promise<LaunchedProcess> {
    const { id, places } = definition;
    const { folder } = places;
    const host = await qemu();
    const uuid = ensureUuid(folder);
    const seed = wantsSeed(spec) ? seedPath(folder, spec, uuid) : null;
    if (seed !== null && !existsSync(seed)) await ensureSeed(folder, spec, uuid, signal);
    if (spec.firmware === 'uefi') ensureEfiVariables(folder, host);
    const runFolder = runFolderOf(config.runPath, id);
    const taps = places.nics.map((_nic, index) => tapName(config.instance, id, index));
    const direct = new Set(places.disks.map(({ path }) => path).filter(supportsDirectIo));
    const argv = qemuCommand(definition, host, { runFolder, uuid, taps, direct, credentials: systemdCredentials(spec), seedPath: seed });
    rotateLogs(folder);
    const record: MachineRecord = { v: 1, folder, spec, accelerator: host.kvm ? 'kvm' : 'tcg', supervised: null };
    makeRunFolder(runFolder);
    writeMachineRecord(runFolder, record);
    await plugTaps(taps, places.nics, signal);
    const supervised = await supervise(QEMU_PROGRAM, [...argv, ...extraArguments(definition)], {
      unit: `drover${config.instance}-vm-${id}`,
      slice: GUESTS_SLICE,
      description: `Drover VM ${id} (${spec.name})`,
      logPath: qemuLogPath(folder),
    });
    writeMachineRecord(runFolder, { ...record, supervised });
    return { record: { ...record, supervised }, supervised };
  }

  async function start(definition: GuestDefinition, signal: AbortSignal): Promise<void> {
    const { id, spec, places } = definition;
    assert(spec.type === 'vm', 'QEMU runs virtual machines');
    const machine = await machines.find(id, places.folder);
    if (machine && (await machines.settle(machine))) {
      if (machine.pause !== null) await machine.resume();
      return runs.adopt(places.folder, spec.powerRequest);
    }
    signal.throwIfAborted();
    const begin = () => machines.begin(id, places.folder, () => launch(definition, spec, signal), signal);
    await runs.start(places.folder, spec.powerRequest, begin).catch((error) => {
      throw error instanceof Problem && error.message === 'QEMU ended' ? startFailure(places.folder) : error;
    });
  }

  async function stop(id: number, folder: string, cause: EndCause = 'asked'): Promise<void> {
    endings.set(id, (endings.get(id) ?? 0) + 1);
    const machine = await machines.find(id, folder);
    if (!machine) return;
    runs.ask(folder, cause);
    await machines.conclude(machine, cause);
  }

  async function rebootPolitely(definition: GuestDefinition, signal: AbortSignal): Promise<void> {
    const { id, places } = definition;
    const machine = await machines.find(id, places.folder);
    if (machine && (await machines.settle(machine))) {
      const told = endings.get(id);
      const late = new AbortController();
      const cancel = clock.after(POLITE_REBOOT_MS, () => late.abort());
      const given = AbortSignal.any([signal, late.signal]);
      runs.ask(places.folder);
      try {
        const ended = machine.waitFor(({ event }) => event === 'SHUTDOWN' || event === 'GUEST_PANICKED', given);
        await askUntil(machine, ended, given);
      } catch (error) {
        // Called off: it may still end, and then not by its own will.
        if (signal.aborted) throw error;
        runs.unask(places.folder);
        if (!given.aborted) throw error;
        throw new Problem('timeout', `the guest did not shut down within ${POLITE_REBOOT_MS / 1_000} s`, {
          suggestion: 'reboot it with force, which is like its reset button',
        });
      } finally {
        cancel();
      }
      await machines.settle(machine);
      if (endings.get(id) !== told) throw new Problem('cancelled', 'the guest was told to end while it was rebooting');
    }
    await inTurn(id, () => start(definition, signal));
  }

  async function rebootByForce(definition: GuestDefinition, signal: AbortSignal): Promise<void> {
    const { id, spec, places } = definition;
    const machine = await machines.find(id, places.folder);
    const canReset = machine && (await machines.settle(machine)) && machine.isConnected && machine.pause === null;
    if (canReset && restartFields(machine.record.spec, spec).length === 0) {
      const reset = machine.waitFor(({ event }) => event === 'RESET', signal);
      reset.catch(() => {});
      await machine.execute('system_reset');
      await reset;
      if (await machines.settle(machine)) {
        runs.end(places.folder, 'asked');
        runs.begin(places.folder, spec.powerRequest);
        return;
      }
    }
    // New settings need a new process, and one that stands still would not go on by a reset.
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

  function lookAtSerialLog(id: number, folder: string): void {
    if (clock.now() - (logLookedAtMs.get(id) ?? 0) < SERIAL_LOG_LOOK_MS) return;
    logLookedAtMs.set(id, clock.now());
    boundSerialLog(folder);
  }

  async function running(id: number, folder: string): Promise<QemuMachine> {
    const machine = await machines.find(id, folder);
    if (!machine || !(await machines.settle(machine)))
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
      const machine = await machines.find(id, folder);
      const isRunning = machine !== null && (await machines.settle(machine));
      const applied = readGuestFile(folder, id);
      const lastRun = runs.read(folder, isRunning);
      if (!isRunning && applied === null && lastRun === null) return null;
      if (isRunning) lookAtSerialLog(id, folder);
      const observed: ObservedGuest = {
        id,
        type: 'vm',
        applied,
        running: isRunning,
        lastRun,
        needsRestart: isRunning && applied ? restartFields(machine.record.spec, applied.spec) : [],
        paused: isRunning ? machine.pause : null,
        accelerator: isRunning ? machine.record.accelerator : null,
      };
      return observed;
    },
    gauge(id) {
      const machine = machines.known(id);
      if (!machine?.isAlive) return null;
      const { supervised, record } = machine;
      const wires = record.spec.nics.map((_nic, index) => tapName(config.instance, id, index));
      return { id, type: 'vm', pid: supervised.pid, startTicks: supervised.startTicks, wires };
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
    async shutdown(id, folder, _signal, cause) {
      endings.set(id, (endings.get(id) ?? 0) + 1);
      const machine = await machines.find(id, folder);
      if (!machine || !(await machines.settle(machine))) return;
      runs.ask(folder, cause);
      await machine.powerDown();
    },
    stop: (id, folder, _signal, cause) => inTurn(id, () => stop(id, folder, cause)),
    reboot: (definition, force, signal) =>
      force ? inTurn(definition.id, () => rebootByForce(definition, signal)) : rebootPolitely(definition, signal),
    remove: (id, folder) =>
      inTurn(id, async () => {
        const machine = await machines.find(id, folder);
        if (machine && (await machines.settle(machine)))
          throw new Problem('wrong-state', 'the guest is running', { suggestion: 'stop it first' });
        await machines.sweep(id);
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
      machines.leave();
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
    const capabilities = { type: 'vm', accelerator: host.kvm ? 'kvm' : 'tcg', uefi: host.uefi !== null, sandbox: host.sandbox };
    return { ...about, usable: true, version: host.version, capabilities, ...(reason === '' ? {} : { reason }) };
  } catch (error) {
    return { ...about, usable: false, reason: Problem.from(error).message, capabilities: { type: 'vm' } };
  }
}

/** QEMU's own last words, without those that only tell how it was called. */
function startFailure(folder: string): Problem {
  return new Problem('host-failed', `QEMU ended as soon as it was started${lastLines(qemuLogPath(folder))}`, { retryable: true });
}
