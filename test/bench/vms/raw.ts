import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { realClock } from '@drover/shared/lib/clock';
import { Problem } from '@drover/shared/lib/problem';
import { MiB, macOf, VmSpec } from '@drover/shared/model/guest';
import { qemuCommand, qmpSocketPath } from '../../../agent/src/drivers/guest/qemu-command.ts';
import { lookAtQemu, QEMU_PROGRAM, supportsDirectIo } from '../../../agent/src/drivers/guest/qemu-host.ts';
import { QmpConnection } from '../../../agent/src/drivers/guest/qmp.ts';
import { plugTaps, tapName, unplugTaps } from '../../../agent/src/drivers/guest/tap.ts';
import { qcow2Arguments } from '../../../agent/src/drivers/storage/directory-disks.ts';
import { FLOOR_INSTANCE } from '../ground.ts';
import { runProgram } from '../run-program.ts';
import { VM, type VmContender } from './contender.ts';

interface Machine {
  readonly id: number;
  readonly folder: string;
  readonly spec: VmSpec;
  process: ChildProcess | null;
  qmp: QmpConnection | null;
}

const FIRST_ID = 3_100_001;
const SOCKET_STEP_MS = 2;

/** The floor: QEMU with the command line that Drover would use, spoken to over QMP, and nothing else. */
export async function rawVms(bridge: string): Promise<VmContender & { close(): Promise<void> }> {
  const base = mkdtempSync(join(tmpdir(), 'drover-bench-qemu-'));
  const host = await lookAtQemu();
  const machines = new Map<string, Machine>();
  let nextId = FIRST_ID;
  const { signal } = new AbortController();

  function machineOf(vm: string): Machine {
    const machine = machines.get(vm);
    if (!machine) throw new Error(`no machine ${vm} was made`);
    return machine;
  }

  async function launch(machine: Machine): Promise<void> {
    const { id, folder, spec } = machine;
    const taps = [tapName(FLOOR_INSTANCE, id, 0)];
    const nics = spec.nics.map(({ name, mac }) => ({ name, mac, bridge }));
    const disk = { name: 'root', form: 'file', path: join(folder, 'disk.qcow2'), format: 'qcow2' } as const;
    const direct = new Set(supportsDirectIo(disk.path) ? [disk.path] : []);
    const definition = { id, spec, places: { folder, disks: [disk], nics, cdromPath: null } };
    const places = { runFolder: folder, uuid: uuidOf(id), taps, direct, credentials: [], seedPath: null };
    await plugTaps(taps, nics, signal);
    machine.process = spawn(QEMU_PROGRAM, qemuCommand(definition, host, places), { stdio: ['ignore', 'ignore', 'inherit'] });
    machine.qmp = await connectQmp(qmpSocketPath(folder), machine.process);
    await assertRunning(machine);
  }

  async function destroy(vm: string): Promise<void> {
    const machine = machineOf(vm);
    if (machine.process && isAlive(machine.process)) {
      const exited = once(machine.process, 'exit');
      // QEMU may close the monitor before it answers.
      if (machine.qmp) machine.qmp.execute('quit').catch(() => {});
      else machine.process.kill('SIGKILL');
      await exited;
    }
    machine.process = null;
    machine.qmp = null;
    rmSync(qmpSocketPath(machine.folder), { force: true });
    await unplugTaps(FLOOR_INSTANCE, machine.id);
  }

  async function remove(vm: string): Promise<void> {
    rmSync(machineOf(vm).folder, { recursive: true });
    machines.delete(vm);
  }

  return {
    name: 'raw QEMU',
    async define(vm) {
      const id = nextId++;
      const folder = join(base, String(id));
      machines.set(vm, { id, folder, spec: specOf(vm, id), process: null, qmp: null });
      mkdirSync(folder);
      await runProgram('qemu-img', qcow2Arguments(join(folder, 'disk.qcow2'), VM.diskBytes, []));
    },
    start: (vm) => launch(machineOf(vm)),
    status: (vm) => assertRunning(machineOf(vm)),
    destroy,
    remove,
    async close() {
      for (const vm of [...machines.keys()]) {
        await destroy(vm);
        await remove(vm);
      }
      rmSync(base, { recursive: true, force: true });
    },
  };
}

const isAlive = (process: ChildProcess): boolean => process.exitCode === null && process.signalCode === null;

async function connectQmp(path: string, process: ChildProcess): Promise<QmpConnection> {
  for (;;) {
    try {
      if (existsSync(path)) return await QmpConnection.open(path, { clock: realClock, onEvent: () => {}, onClose: () => {} });
    } catch (error) {
      // Bound but not listening yet.
      if (!(error instanceof Problem && error.code === 'not-found')) throw error;
    }
    if (!isAlive(process)) throw new Error('QEMU ended');
    await pause(SOCKET_STEP_MS);
  }
}

async function assertRunning({ qmp }: Machine): Promise<void> {
  const answer = await qmp?.execute('query-status');
  if (typeof answer !== 'object' || answer === null || Reflect.get(answer, 'status') !== 'running')
    throw new Error(`the machine does not run: ${JSON.stringify(answer)}`);
}

const uuidOf = (id: number): string => `00000000-0000-8000-8000-${String(id).padStart(12, '0')}`;

const specOf = (name: string, id: number): VmSpec =>
  VmSpec.parse({
    type: 'vm',
    name,
    tags: [],
    notes: '',
    power: 'running',
    powerRequest: 0,
    startAtBoot: false,
    memoryBytes: VM.memoryBytes,
    cores: 1,
    disks: [{ name: 'root', storageId: 'storage_benchmark1', sizeBytes: 64 * MiB, imageId: null }],
    nics: [{ name: 'net0', networkId: 'network_benchmark1', mac: macOf(id, 0) }],
    sshKeys: [],
    firmware: 'bios',
    cdromImageId: null,
  });
