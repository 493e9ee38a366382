import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { realClock } from '@drover/shared/lib/clock';
import { Problem } from '@drover/shared/lib/problem';
import { run } from '../../agent/src/host/shell.ts';
import { isSupervisedAlive } from '../../agent/src/host/supervise.ts';
import { startStore } from './disk.ts';
import { type ExecOptions, type ExecResult, GuestChannel } from './guest-channel.ts';
import { boot, pullPower } from './machine.ts';
import { hasAgent, withMonitor } from './monitor.ts';
import { applyCuts, throttle } from './network.ts';
import { consolePath, nbd } from './qemu.ts';
import { type DiskRecord, type HostRecord, hostFolder, readHost, readLab, type Way, writeHost } from './state.ts';
import { until } from './until.ts';

const BOOT_MS = 300_000;
/** How far a clock that was set may be off: an emulated processor takes its time to answer. */
const CLOCK_MS = 200;
const MiB = 2 ** 20;

/** One host of a lab, as tests and people drive it. What it is stands in files: any process may have changed it a moment ago. */
export class LabHost {
  readonly number: number;
  readonly folder: string;
  readonly #lab: string;
  readonly #channel: GuestChannel;

  constructor(lab: string, number: number) {
    this.number = number;
    this.folder = hostFolder(lab, number);
    this.#lab = lab;
    this.#channel = new GuestChannel(this.folder);
    this.record();
  }

  record(): HostRecord {
    return readHost(this.#lab, this.number);
  }

  get name(): string {
    return this.record().name;
  }

  get address(): string {
    return this.record().address;
  }

  isOn(): boolean {
    const { qemu } = this.record();
    return qemu !== null && isSupervisedAlive(qemu);
  }

  /** Runs a program as root, without a shell. Its output comes when it and all it left in the background with its output have ended. */
  async exec(command: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    this.#demandPower();
    return this.#channel.exec(command, options);
  }

  /** The same for a line of shell of the test's own; what it printed, without the last line's end. Throws when it fails. */
  async shell(line: string, options: ExecOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.exec(['sh', '-c', line], options);
    if (code !== 0) throw new Problem('host-failed', `${this.name}: ${line} ended with ${code}: ${(stderr || stdout).trim()}`);
    return stdout.trimEnd();
  }

  /** A file with its mode, or a folder with all that is in it. */
  async copyTo(from: string, to: string): Promise<void> {
    if (!existsSync(from)) throw new Problem('not-found', `there is no ${from} on this machine`);
    if (!statSync(from).isDirectory()) {
      await this.#must(['mkdir', '--parents', '--', dirname(to)]);
      await this.#channel.writeFile(to, await readFile(from));
      await this.#must(['chmod', (statSync(from).mode & 0o7777).toString(8), '--', to]);
      return;
    }
    const archive = join(this.folder, `copy-${process.pid}.tar`);
    const there = `/tmp/lab-copy-${process.pid}.tar`;
    try {
      await run('tar', ['--create', '--file', archive, '--directory', from, '.']);
      await this.#channel.writeFile(there, await readFile(archive));
      await this.#must(['mkdir', '--parents', '--', to]);
      await this.#must(['tar', '--extract', '--file', there, '--directory', to]);
    } finally {
      rmSync(archive, { force: true });
      await this.exec(['rm', '-f', '--', there]);
    }
  }

  /** The other way round. */
  async copyFrom(from: string, to: string): Promise<void> {
    const isFolder = (await this.exec(['test', '-d', from])).code === 0;
    if (!isFolder) {
      mkdirSync(dirname(to), { recursive: true });
      return writeFile(to, await this.#channel.readFile(from));
    }
    const archive = join(this.folder, `copy-${process.pid}.tar`);
    const there = `/tmp/lab-copy-${process.pid}.tar`;
    try {
      await this.#must(['tar', '--create', '--file', there, '--directory', from, '.']);
      await writeFile(archive, await this.#channel.readFile(there));
      mkdirSync(to, { recursive: true });
      await run('tar', ['--extract', '--file', archive, '--directory', to]);
    } finally {
      rmSync(archive, { force: true });
      await this.exec(['rm', '-f', '--', there]);
    }
  }

  // --- network ---

  /** Nothing passes any more: into it, out of it, or both. */
  async cut(way: Way = 'both'): Promise<void> {
    this.#change({ cut: way });
    await this.#applyCuts();
  }

  /** As it was at first: nothing cut, delayed or throttled. A host that is off keeps its delay until it is told again. */
  async mend(): Promise<void> {
    this.#change({ cut: null, kbit: null });
    await this.#applyCuts();
    await throttle(readLab(this.#lab).subnet, this.number, null);
    if (this.isOn()) await this.delay(0);
  }

  /** What it sends leaves so much later; a round trip takes that much longer. 0 ends it. */
  async delay(ms: number): Promise<void> {
    if (!Number.isInteger(ms) || ms < 0 || ms > 60_000)
      throw new Problem('bad-request', 'a delay is a whole number of milliseconds, up to 60000');
    await this.#must(['lab-delay', String(ms)]);
  }

  /** At most so many kilobits a second, each way; null ends it. */
  async throttle(kbit: number | null): Promise<void> {
    if (kbit !== null && (!Number.isInteger(kbit) || kbit < 8 || kbit > 10_000_000))
      throw new Problem('bad-request', 'a rate is a whole number of kilobits a second, from 8 to 10000000');
    this.#change({ kbit });
    await throttle(readLab(this.#lab).subnet, this.number, kbit);
  }

  // --- time and power ---

  /** Stops it between two instructions. Its clock stands still, too. */
  async freeze(): Promise<void> {
    this.#demandPower();
    await withMonitor(this.folder, (ask) => ask('stop'));
  }

  /** Goes on. Its clock is set right then, unless it shall be as much behind as it stood still. */
  async thaw({ keepClock = false } = {}): Promise<void> {
    this.#demandPower();
    await withMonitor(this.folder, (ask) => ask('cont'));
    if (!keepClock) await this.setClock();
  }

  /** Right to a fifth of a second, as far as can be seen from here. */
  async setClock(): Promise<void> {
    await until(`the clock of ${this.name} is right`, 60_000, async () => {
      if (Math.abs(await this.clockOffsetMs()) < CLOCK_MS) return true;
      const startedMs = realClock.now();
      await this.#must(['true']);
      // The next command will take about as long as this one, most of it before it acts.
      const aheadMs = (realClock.now() - startedMs) / 2;
      await this.#must(['date', `--set=@${((realClock.now() + aheadMs) / 1_000).toFixed(3)}`]);
      return Math.abs(await this.clockOffsetMs()) < CLOCK_MS;
    });
  }

  /** How much its clock is ahead of this machine's. */
  async clockOffsetMs(): Promise<number> {
    await this.#channel.timeNs();
    const before = realClock.now();
    const there = (await this.#channel.timeNs()) / 1e6;
    return there - (before + realClock.now()) / 2;
  }

  /** Its reset button: nothing is flushed, but its disks keep their power, and what they hold. Returns at once; see untilUp. */
  async reset(): Promise<void> {
    this.#demandPower();
    await withMonitor(this.folder, async (ask) => {
      await ask('system_reset');
      await until('the host begins anew', 20_000, async () => !(await hasAgent(ask)));
    });
    this.#channel.close();
  }

  /** Pulls the plug: the machine and its disks stop at once, and what was not flushed is lost. */
  async powerCut(): Promise<void> {
    this.#channel.close();
    await pullPower(this.#lab, this.record());
  }

  /** Starts it again; see untilUp. */
  async powerOn(): Promise<void> {
    if (this.isOn()) throw new Problem('wrong-state', `${this.name} is on already`);
    await boot(this.#lab, this.record());
  }

  /** Until it has booted, as far as it will. */
  async untilUp(timeoutMs = BOOT_MS): Promise<void> {
    await until(`${this.name} is up`, timeoutMs, async () => {
      this.#demandPower();
      return withMonitor(this.folder, hasAgent);
    });
    // "degraded" is up as well, and anybody can ask which unit failed.
    const state = await this.exec(['systemctl', 'is-system-running', '--wait'], { timeoutMs });
    if (!/^(running|degraded)$/.test(state.stdout.trim()))
      throw new Problem('host-failed', `${this.name} came up ${state.stdout.trim() || 'without a word'}`);
    // systemd does not wait for devices that nothing mounts, and finding them takes an emulated processor a while longer.
    await this.exec(['udevadm', 'settle', '--timeout=120'], { timeoutMs: 150_000 });
    await this.untilOnline();
  }

  /** Until its network is as its files say. A test may have taken it away for good: then nothing more comes, and that is no failure. */
  async untilOnline(): Promise<void> {
    await this.exec(['/usr/lib/systemd/systemd-networkd-wait-online', '--any', '--timeout=30']);
  }

  // --- devices ---

  /** Plugs an empty disk in; gives its path in the host. It stays through resets and power cuts. */
  async addDisk(bytes: number): Promise<string> {
    this.#demandPower();
    if (!Number.isInteger(bytes) || bytes < MiB || bytes % 512 !== 0)
      throw new Problem('bad-request', 'a disk has at least 1 MiB, in sectors of 512 bytes');
    const record = this.record();
    const name = `disk${record.disks.length}`;
    const path = join(this.folder, `${name}.raw`);
    const disk: DiskRecord = { name, path, socketPath: join(this.folder, `${name}.sock`), format: 'raw', store: null };
    closeSync(openSync(path, 'wx', 0o600));
    truncateSync(path, bytes);
    const store = await startStore(disk, `drover-lab-${this.#lab}-${this.number}-${name}`);
    this.#change({ disks: [...record.disks, { ...disk, store }] });
    await withMonitor(this.folder, async (ask) => {
      const { 'server.type': type, 'server.path': socket } = nbd(disk.socketPath);
      await ask('blockdev-add', { 'driver': 'raw', 'node-name': name, 'file': { driver: 'nbd', server: { type, path: socket } } });
      await ask('device_add', { driver: 'scsi-hd', bus: 'disks.0', drive: name, id: `${name}-device`, serial: name });
    });
    const device = `/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_${name}`;
    await until(`${this.name} sees its disk`, 60_000, async () => (await this.exec(['test', '-b', device])).code === 0);
    return device;
  }

  /** What its serial console has said since it was made. */
  console(): string {
    return existsSync(consolePath(this.folder)) ? readFileSync(consolePath(this.folder), 'utf8') : '';
  }

  /** What its display shows, as PNG. */
  async screenshot(path: string): Promise<void> {
    this.#demandPower();
    await withMonitor(this.folder, (ask) => ask('screendump', { filename: path, format: 'png' }));
  }

  /** All that helps to see why something failed: console, display, journal, what QEMU said. Whatever cannot be had is left out. */
  async collect(folder: string): Promise<void> {
    mkdirSync(folder, { recursive: true });
    await writeFile(join(folder, 'console.log'), this.console());
    const qemuLog = join(this.folder, 'qemu.log');
    if (existsSync(qemuLog)) await writeFile(join(folder, 'qemu.log'), await readFile(qemuLog));
    if (!this.isOn()) return;
    const attempts = [
      () => this.screenshot(join(folder, 'screen.png')),
      async () => {
        await this.#channel.ask('guest-ping', {}, 5_000);
        const { stdout } = await this.exec(['journalctl', '--no-pager', '--lines=5000'], { timeoutMs: 30_000 });
        await writeFile(join(folder, 'journal.log'), stdout);
      },
    ];
    for (const attempt of attempts)
      await attempt().catch((thrown: unknown) =>
        writeFile(join(folder, 'missing.log'), `${Problem.from(thrown).message}\n`, { flag: 'a' }),
      );
  }

  /** Ends the conversation with it, so that nothing of ours keeps a process from ending. */
  close(): void {
    this.#channel.close();
  }

  async #must(command: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.exec(command);
    if (code !== 0) throw new Problem('host-failed', `${this.name}: ${command.join(' ')} ended with ${code}: ${(stderr || stdout).trim()}`);
    return stdout;
  }

  #demandPower(): void {
    if (this.isOn()) return;
    throw new Problem('wrong-state', `${this.name} is off`, { suggestion: `npm run lab -- power-on ${this.number}` });
  }

  #change(more: Partial<HostRecord>): void {
    writeHost(this.#lab, { ...this.record(), ...more });
  }

  async #applyCuts(): Promise<void> {
    const { subnet, hosts } = readLab(this.#lab);
    await applyCuts(
      subnet,
      Array.from({ length: hosts }, (_, index) => readHost(this.#lab, index + 1)),
    );
  }
}
