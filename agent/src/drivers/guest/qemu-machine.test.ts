import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { realClock } from '@drover/shared/lib/clock';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tinyVmSpec } from '../../../../test/contract/tiny-vm.ts';
import { startTicksOf } from '../../host/supervise.ts';
import { createJsonLines } from './json-lines.ts';
import { QemuMachine } from './qemu-machine.ts';

/** A monitor that says of the guest what the test wants. */
let folder: string;
let server: Server;
let peer: Socket;
let returns: Record<string, unknown>;
let commands: string[];
let machine: QemuMachine;
let changed: () => void;
let changes: number;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'machine-'));
  returns = { 'query-status': { status: 'running' }, 'query-chardev': [], 'query-block': [] };
  commands = [];
  server = createServer((socket) => {
    peer = socket;
    const answer = createJsonLines((message) => {
      const { execute, id } = Object(message);
      commands.push(execute);
      say({ return: returns[execute] ?? {}, id });
    });
    socket.on('data', answer);
    say({ QMP: { version: {}, capabilities: [] } });
  });
  await new Promise<void>((resolve) => server.listen(join(folder, 'qmp.sock'), resolve));
  changes = 0;
  changed = () => {};
  const supervised = { pid: process.pid, startTicks: startTicksOf(process.pid) ?? 0, unit: null };
  machine = new QemuMachine({
    id: 100,
    record: { v: 1, folder, spec: tinyVmSpec(), accelerator: 'tcg', supervised },
    supervised,
    runFolder: folder,
    clock: realClock,
    onChange: () => {
      changes += 1;
      changed();
    },
  });
  await machine.connect(new AbortController().signal);
});
afterEach(() => {
  peer.destroy();
  machine.close();
  server.close();
  rmSync(folder, { recursive: true });
});

const say = (message: unknown) => peer.write(`${JSON.stringify(message)}\r\n`);
/** The guest's state turns, as QEMU tells it. */
async function turn(event: string, status: string): Promise<void> {
  returns['query-status'] = { status };
  const told = new Promise<void>((resolve) => {
    changed = resolve;
  });
  say({ event, data: {} });
  await told;
}

it('a conversation in which QEMU does not say how the guest is, is begun anew', async () => {
  machine.close();
  returns['query-status'] = {};
  await expect.poll(() => machine.isConnected).toBe(false);
  await expect(machine.connect(new AbortController().signal)).rejects.toThrow();
  await expect.poll(() => machine.isConnected).toBe(false);
  returns['query-status'] = { status: 'running' };
  await machine.connect(new AbortController().signal);
  expect(machine).toMatchObject({ isConnected: true, fate: null, pause: null });
});

describe('a guest that QEMU stops', () => {
  it('has crashed where the processor could not go on', async () => {
    await turn('STOP', 'internal-error');
    expect(machine.fate).toBe('crash');
  });

  it('stands still where a disk was full, and goes on with it when it is told to', async () => {
    const drive = { 'node-name': 'cdrom' };
    returns['query-block'] = [
      { inserted: drive, 'io-status': 'ok' },
      {},
      { 'inserted': { 'node-name': 'disk-data' }, 'io-status': 'nospace' },
    ];
    await turn('STOP', 'io-error');
    expect(machine).toMatchObject({ fate: null, pause: { cause: 'disk', reason: 'the storage of disk data is full' } });
    returns['query-status'] = { status: 'running' };
    await machine.resume();
    expect(machine.pause).toBeNull();
    expect(commands).toContain('cont');
  });

  it('stands still for reasons of its own or of somebody at the monitor', async () => {
    await turn('SUSPEND', 'suspended');
    expect(machine.pause).toMatchObject({ cause: 'other', reason: 'it has put itself to sleep' });
    await machine.resume();
    expect(commands).toContain('system_wakeup');
    await turn('STOP', 'paused');
    expect(machine.pause).toMatchObject({ cause: 'other', reason: 'QEMU was told to pause it' });
    await turn('RESUME', 'running');
    expect(machine).toMatchObject({ fate: null, pause: null });
    expect(changes).toBe(3);
  });

  it('keeps the end that it has come to', async () => {
    say({ event: 'GUEST_PANICKED', data: {} });
    await turn('STOP', 'paused');
    expect(machine).toMatchObject({ fate: 'crash', pause: null });
  });
});
