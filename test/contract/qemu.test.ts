import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { realClock } from '@drover/shared/lib/clock';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { GuestDriver } from '../../agent/src/drivers/guest/driver.ts';
import { createQemuDriver } from '../../agent/src/drivers/guest/qemu.ts';
import { describeGuestDriver, type GuestDriverWorld } from './guest-driver.ts';
import { canRunTinyVm, ensureTinyVm, tinyVmArguments, tinyVmSpec } from './tiny-vm.ts';

const ID = 4_000_101;
const BRIDGE = 'drvtestqemu';

describe.skipIf(!canRunTinyVm())('a tiny guest', () => {
  describeGuestDriver('qemu', {
    create: () => createWorld(),
    powerOff: ['poweroff', '-f'],
    memoryChange: 'next-start',
    consolePrompt: '\n',
  });
});

describe.skipIf(!canRunTinyVm())('QEMU and an agent that is killed at the worst moment', () => {
  const never = new AbortController().signal;
  let world: QemuWorld;
  let driver: GuestDriver;
  beforeAll(async () => {
    world = await createWorld();
    driver = world.createDriver();
    await driver.define(world.definition, never);
  }, 300_000);
  afterAll(() => world.close());

  const observe = () => driver.observe(ID, world.definition.places.folder);
  const untilClean = async () => {
    while ((await world.traces()).length > 0) await realClock.sleep(10);
  };
  const takeOver = () => {
    driver.leave();
    driver = world.createDriver();
  };

  test('a process that was started, but whose number was not written down, is found by its command line and not started twice', async () => {
    await driver.start(world.definition, never);
    const before = await observe();
    const traces = await world.traces();
    const path = join(world.runFolder, 'machine.json');
    writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), supervised: null }));
    takeOver();
    expect(await observe()).toEqual(before);
    takeOver();
    await driver.start(world.definition, never);
    expect(await world.traces()).toEqual(traces);
  });

  test('a process whose record is lost altogether is still found, and can be stopped', async () => {
    rmSync(join(world.runFolder, 'machine.json'));
    takeOver();
    expect(await observe()).toMatchObject({ running: true });
    await driver.stop(ID, world.definition.places.folder, never);
    expect(await observe()).toMatchObject({ running: false, lastRun: { end: 'asked' } });
  });

  test('devices and files of a start that never came to be are cleaned up by the next look', async () => {
    await untilClean();
    mkdirSync(world.runFolder, { recursive: true });
    writeFileSync(join(world.runFolder, 'machine.json'), '{"v":1,');
    execFileSync('ip', ['tuntap', 'add', 'dev', world.tap, 'mode', 'tap']);
    takeOver();
    expect(await observe()).toMatchObject({ running: false });
    await untilClean();
  });

  test('a device that is left over is used by the next start', async () => {
    execFileSync('ip', ['tuntap', 'add', 'dev', world.tap, 'mode', 'tap']);
    await driver.start(world.definition, never);
    expect(await observe()).toMatchObject({ running: true, lastRun: { end: null } });
  });

  test('a guest that is told to end by the host, as when the host goes down, neither crashed nor ended by itself', async () => {
    for (const pid of world.pids()) process.kill(pid, 'SIGTERM');
    while ((await observe())?.running) await realClock.sleep(20);
    expect(await observe()).toMatchObject({ lastRun: { end: 'host', crashes: 0 } });
  });

  test('a guest whose kernel panics has crashed, and its process is put away', async () => {
    await driver.start(world.definition, never);
    const typist = await driver.console(ID, world.definition.places.folder);
    while ((await observe())?.running) {
      typist.write(Buffer.from('echo c > /proc/sysrq-trigger\n'));
      await realClock.sleep(200);
    }
    expect(await observe()).toMatchObject({ running: false, lastRun: { end: 'crash', crashes: 1 } });
    expect(world.pids()).toEqual([]);
  });
});

describe.skipIf(!canRunTinyVm())('a guest whose disk cannot be written', () => {
  const never = new AbortController().signal;
  let world: QemuWorld;
  let driver: GuestDriver;
  let storage: string;
  beforeAll(async () => {
    storage = mkdtempSync(join(tmpdir(), 'drover-full-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4M', 'none', storage]);
    world = await createWorld(join(storage, 'root.qcow2'));
    driver = world.createDriver();
    await driver.define(world.definition, never);
    await driver.start(world.definition, never);
  }, 300_000);
  afterAll(async () => {
    await world.close();
    execFileSync('umount', [storage]);
    rmSync(storage, { recursive: true });
  });

  const observe = () => driver.observe(ID, world.definition.places.folder);
  const full = { cause: 'disk', reason: 'the storage of disk root is full', sinceMs: expect.any(Number) };
  /** Writes to the guest's disk, and says so on its console when that is done. */
  const write = async (blocks: string) => {
    const line = `(dd if=/dev/urandom of=/dev/vda bs=1M ${blocks} conv=fsync && echo all-is-written >/dev/ttyS0) >/dev/null 2>&1 &`;
    for (let begun = false; !begun; ) {
      // It is still booting when its agent does not answer.
      const stream = await driver.exec(ID, world.definition.places.folder, ['sh', '-c', line], false).catch(() => null);
      stream?.endInput();
      begun = (await stream?.ended)?.code === 0;
    }
  };
  const untilPaused = async () => {
    while (((await observe())?.paused ?? null) === null) await realClock.sleep(20);
  };

  test('stands still, and says why', async () => {
    expect(await observe()).toMatchObject({ running: true, paused: null });
    const told = new Set<number>();
    const unwatch = driver.watch((id) => told.add(id));
    await write('count=16');
    await untilPaused();
    expect(await observe()).toMatchObject({ running: true, paused: full, lastRun: { end: null } });
    expect(told).toContain(ID);
    unwatch();
  });

  test('also to an agent that comes later', async () => {
    driver.leave();
    driver = world.createDriver();
    expect(await observe()).toMatchObject({ running: true, paused: full });
  });

  test('cannot go on while there is no room, and does when there is', async () => {
    await driver.start(world.definition, never);
    await untilPaused();
    execFileSync('mount', ['-o', 'remount,size=64M', storage]);
    const onlooker = await driver.console(ID, world.definition.places.folder);
    let seen = '';
    onlooker.onOutput((_channel, bytes) => {
      seen += Buffer.from(bytes).toString();
    });
    await driver.start(world.definition, never);
    while (!seen.includes('all-is-written')) await realClock.sleep(20);
    expect(await observe()).toMatchObject({ running: true, paused: null, lastRun: { end: null } });
    onlooker.close();
  });

  test('can be ended, and reset, while it stands still', async () => {
    execFileSync('mount', ['-o', 'remount,size=20M', storage]);
    await write('count=32 seek=16');
    await untilPaused();
    await driver.reboot(world.definition, true, never);
    expect(await observe()).toMatchObject({ running: true, paused: null });
    await driver.stop(ID, world.definition.places.folder, never);
    expect(await observe()).toMatchObject({ running: false, paused: null });
  });
});

interface QemuWorld extends GuestDriverWorld {
  readonly runFolder: string;
  readonly tap: string;
  pids(): number[];
  traces(): Promise<readonly string[]>;
}

async function createWorld(disk?: string): Promise<QemuWorld> {
  const tiny = ensureTinyVm();
  const base = mkdtempSync(join(tmpdir(), 'drover-qemu-'));
  const folder = join(base, 'guests', String(ID));
  const runPath = join(base, 'run');
  const diskPath = disk ?? join(folder, 'root.qcow2');
  mkdirSync(folder, { recursive: true });
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', diskPath, '64M']);
  execFileSync('ip', ['link', 'add', BRIDGE, 'type', 'bridge']);
  const drivers: GuestDriver[] = [];
  const config = {
    controlPlaneUrl: 'http://localhost:1',
    dataPath: base,
    runPath,
    instance: 'tq',
    storagePaths: [base],
    bridges: [BRIDGE],
    debianMirror: 'http://deb.debian.org/debian',
  };
  const spec = tinyVmSpec();
  const pids = (): number[] =>
    readdirSync('/proc').flatMap((name) => {
      if (!/^\d+$/.test(name) || !existsSync(`/proc/${name}/cmdline`)) return [];
      const words = readFileSync(`/proc/${name}/cmdline`, 'utf8');
      return words.includes('qemu-system') && words.includes(runPath) ? [Number(name)] : [];
    });
  return {
    runFolder: join(runPath, String(ID)),
    tap: `taptq${ID}i0`,
    pids,
    createDriver() {
      const driver = createQemuDriver({
        config,
        clock: realClock,
        log: (line) => console.log(line),
        extraArguments: () => tinyVmArguments(tiny),
      });
      drivers.push(driver);
      return driver;
    },
    definition: {
      id: ID,
      spec,
      places: {
        folder,
        disks: [{ name: 'root', form: 'file', path: diskPath, format: 'qcow2' }],
        nics: [{ name: 'net0', mac: '52:54:01:00:00:64', bridge: BRIDGE }],
        cdromPath: null,
      },
    },
    async crash() {
      for (const pid of pids()) process.kill(pid, 'SIGKILL');
      while (pids().length > 0) await realClock.sleep(5);
    },
    async waitUntilOff() {
      // With its monitor let go, QEMU itself still tells: the kernel's last words are in the serial log.
      while (!readFileSync(join(folder, 'serial.log'), 'utf8').includes('reboot: Power down')) await realClock.sleep(20);
      await realClock.sleep(200);
    },
    async traces() {
      const devices = readdirSync('/sys/class/net').filter((name) => name.startsWith('taptq'));
      const files = existsSync(runPath) ? readdirSync(runPath) : [];
      return [...pids().map((pid) => `process ${pid}`), ...devices, ...files];
    },
    async close() {
      // First, so that none of them cleans up at the same time.
      for (const driver of drivers) driver.leave();
      for (const pid of pids()) process.kill(pid, 'SIGKILL');
      // One may be on its way out already.
      for (const name of readdirSync('/sys/class/net')) if (name.startsWith('taptq')) spawnSync('ip', ['link', 'del', name]);
      execFileSync('ip', ['link', 'del', BRIDGE]);
      rmSync(base, { recursive: true, force: true });
    },
  };
}
