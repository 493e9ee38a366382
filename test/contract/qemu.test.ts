import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { realClock } from '@drover/shared/lib/clock';
import type { GuestDriver } from '../../agent/src/drivers/guest/driver.ts';
import { createQemuDriver, type QemuDriver } from '../../agent/src/drivers/guest/qemu.ts';
import { describeGuestDriver, type GuestDriverWorld } from './guest-driver.ts';
import { ensureTinyVm, tinyVmArguments, tinyVmSpec } from './tiny-vm.ts';

const ID = 4_000_101;
const BRIDGE = 'drvtestqemu';

describeGuestDriver('qemu', {
  create: createWorld,
  powerOff: ['poweroff', '-f'],
  memoryChange: 'next-start',
  consolePrompt: '\n',
});

async function createWorld(): Promise<GuestDriverWorld> {
  const tiny = ensureTinyVm();
  const base = mkdtempSync(join(tmpdir(), 'drover-qemu-'));
  const folder = join(base, 'guests', String(ID));
  const runPath = join(base, 'run');
  const diskPath = join(folder, 'root.qcow2');
  mkdirSync(folder, { recursive: true });
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', diskPath, '64M']);
  execFileSync('ip', ['link', 'add', BRIDGE, 'type', 'bridge']);
  const drivers = new Map<GuestDriver, QemuDriver>();
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
    createDriver() {
      const driver = createQemuDriver({
        config,
        clock: realClock,
        log: (line) => console.log(line),
        extraArguments: () => tinyVmArguments(tiny),
      });
      drivers.set(driver, driver);
      return driver;
    },
    leave: (driver) => drivers.get(driver)?.leave(),
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
      for (const pid of pids()) process.kill(pid, 'SIGKILL');
      for (const driver of drivers.values()) driver.leave();
      for (const name of readdirSync('/sys/class/net')) if (name.startsWith('taptq')) execFileSync('ip', ['link', 'del', name]);
      execFileSync('ip', ['link', 'del', BRIDGE]);
      rmSync(base, { recursive: true, force: true });
    },
  };
}
