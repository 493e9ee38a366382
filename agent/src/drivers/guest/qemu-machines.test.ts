import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { realClock } from '@drover/shared/lib/clock';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { tinyVmSpec } from '../../../../test/contract/tiny-vm.ts';
import { AgentConfig } from '../../config.ts';
import { startTicksOf } from '../../host/supervise.ts';
import { createJsonLines } from './json-lines.ts';
import { writeMachineRecord } from './qemu-files.ts';
import { createQemuMachines } from './qemu-machines.ts';
import { createRunRecords } from './run-record.ts';

const ID = 4_000_111;

/** A process that stands for QEMU, and the monitor that it would have. */
let base: string;
let qemu: ChildProcess;
let monitor: Server;
let peer: Socket;
beforeEach(async () => {
  base = mkdtempSync(join(tmpdir(), 'machines-'));
  mkdirSync(join(base, 'guest'));
  mkdirSync(join(base, 'run', String(ID)), { recursive: true });
  qemu = spawn('sleep', ['1000'], { stdio: 'ignore', detached: true });
  await once(qemu, 'spawn');
  const supervised = { pid: qemu.pid ?? 0, startTicks: startTicksOf(qemu.pid ?? 0) ?? 0, unit: null };
  const record = { v: 1, folder: join(base, 'guest'), spec: tinyVmSpec(), accelerator: 'tcg', supervised } as const;
  writeMachineRecord(join(base, 'run', String(ID)), record);
  const returns: Record<string, unknown> = { 'query-status': { status: 'running' }, 'query-chardev': [] };
  monitor = createServer((socket) => {
    peer = socket;
    socket.on('error', () => {});
    socket.on(
      'data',
      createJsonLines((message) => say({ return: returns[Object(message).execute] ?? {}, id: Object(message).id })),
    );
    say({ QMP: {} });
  });
  await new Promise<void>((resolve) => monitor.listen(join(base, 'run', String(ID), 'qmp.sock'), resolve));
});
afterEach(() => {
  qemu.kill('SIGKILL');
  monitor.close();
  rmSync(base, { recursive: true });
});

const say = (message: unknown) => peer.write(`${JSON.stringify(message)}\r\n`);
const start = () => {
  const config = AgentConfig.parse({
    controlPlaneUrl: 'http://localhost:1',
    dataPath: base,
    runPath: join(base, 'run'),
    storagePaths: [base],
    bridges: ['drover0'],
  });
  const runs = createRunRecords(realClock);
  return { runs, machines: createQemuMachines({ config, clock: realClock, log() {}, runs, onChange() {} }) };
};

it('the last words of a process that is gone are heard before it is judged', async () => {
  const folder = join(base, 'guest');
  const { machines, runs } = start();
  runs.begin(folder, 1);
  const machine = await machines.find(ID, folder);
  if (!machine) throw new Error('the machine was not found');
  expect(await machines.settle(machine)).toBe(true);
  qemu.kill('SIGKILL');
  await once(qemu, 'exit');
  const settled = machines.settle(machine);
  say({ event: 'SHUTDOWN', data: { guest: false, reason: 'host-signal' } });
  peer.end();
  expect(await settled).toBe(false);
  expect(runs.read(folder, false)).toMatchObject({ end: 'host', crashes: 0 });
});

it('the end of a machine that has a successor is not taken for that of the successor', async () => {
  const folder = join(base, 'guest');
  const { machines, runs } = start();
  runs.begin(folder, 1);
  const machine = await machines.find(ID, folder);
  if (!machine) throw new Error('the machine was not found');
  await machines.conclude(machine, 'asked');
  runs.begin(folder, 2);
  await machines.conclude(machine, 'self');
  expect(runs.read(folder, true)).toMatchObject({ powerRequest: 2, end: null });
});
