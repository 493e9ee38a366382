import { mkdirSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Clock } from '@drover/shared/lib/clock';
import { digest } from '@drover/shared/lib/digest';
import { Problem } from '@drover/shared/lib/problem';
import { readTextIfThere, writeFileDurably } from '../../host/durable-file.ts';
import { run } from '../../host/shell.ts';
import {
  endSupervised,
  hasSystemd,
  isSupervisedAlive,
  killSupervised,
  lastLines,
  type Supervised,
  startTicksOf,
  supervise,
} from '../../host/supervise.ts';

const START_DEADLINE_MS = 10_000;
const LOG_BYTES_MAX = 2 ** 20;

interface DnsmasqOptions {
  /** Holds its configuration and its log. Read by root only, before it gives its rights up. */
  readonly folder: string;
  readonly unit: string;
  readonly clock: Clock;
}

/**
 * One network's dnsmasq, which outlives the agent. What runs is found in the process table: the configuration's file has its digest in
 * its name, so the command line tells which network it serves and with which settings.
 */
export class Dnsmasq {
  private readonly options: DnsmasqOptions;
  private known: { readonly configPath: string; readonly process: Supervised } | null = null;

  constructor(options: DnsmasqOptions) {
    this.options = options;
  }

  isRunning(config: string): boolean {
    return this.running()?.configPath === this.configPath(config);
  }

  /** Runs with this configuration when it returns. */
  async ensure(config: string, restart: boolean): Promise<void> {
    const configPath = this.configPath(config);
    if (!restart && this.isRunning(config)) return;
    await this.end();
    const { folder, unit } = this.options;
    mkdirSync(folder, { recursive: true, mode: 0o755 });
    writeFileDurably(configPath, config, { flush: false });
    writeFileSync(this.logPath, '', { mode: 0o600 });
    const process = await supervise('dnsmasq', ['--keep-in-foreground', `--conf-file=${configPath}`], {
      unit,
      slice: 'drover.slice',
      description: `DHCP and DNS of Drover's network ${basename(folder)}`,
      logPath: this.logPath,
    });
    await this.untilStarted(process);
    this.known = { configPath, process };
  }

  /** Reads the hosts folder anew, and forgets what is no longer there. */
  reread(): void {
    const running = this.running();
    if (running) killSupervised(running.process, 'SIGHUP');
    if ((statSync(this.logPath, { throwIfNoEntry: false })?.size ?? 0) > LOG_BYTES_MAX) truncateSync(this.logPath);
  }

  async end(): Promise<void> {
    for (let running = this.running(); running; running = this.running()) {
      if (hasSystemd()) await run('systemctl', ['stop', `${this.options.unit}.service`], { okCodes: [0, 5], timeoutMs: 30_000 });
      await endSupervised(running.process, this.options.clock);
      this.known = null;
    }
  }

  private running() {
    if (this.known && isSupervisedAlive(this.known.process)) return this.known;
    this.known = findProcess(this.options.folder, hasSystemd() ? this.options.unit : null);
    return this.known;
  }

  private async untilStarted(process: Supervised): Promise<void> {
    const { clock } = this.options;
    const deadline = clock.now() + START_DEADLINE_MS;
    while (!(readTextIfThere(this.logPath) ?? '').includes(': started, version')) {
      if (!isSupervisedAlive(process))
        throw new Problem('host-failed', `dnsmasq did not start${lastLines(this.logPath)}`, { retryable: true });
      if (clock.now() > deadline) {
        await endSupervised(process, clock);
        throw new Problem('timeout', `dnsmasq was not ready within ${START_DEADLINE_MS / 1000} s${lastLines(this.logPath)}`, {
          retryable: true,
        });
      }
      await clock.sleep(5);
    }
  }

  private get logPath(): string {
    return join(this.options.folder, 'dnsmasq.log');
  }

  private configPath(config: string): string {
    return join(this.options.folder, `dnsmasq-${digest(config).slice(0, 16)}.conf`);
  }
}

function findProcess(folder: string, unit: string | null) {
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const configPath = configOfProcess(entry);
    if (configPath === null || dirname(configPath) !== folder) continue;
    const pid = Number(entry);
    const startTicks = startTicksOf(pid);
    if (startTicks !== null) return { configPath, process: { pid, startTicks, unit } };
  }
  return null;
}

function configOfProcess(pid: string): string | null {
  let words: readonly string[];
  try {
    words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    // The process ended while the table was read.
    return null;
  }
  const [program, ...args] = words;
  if (basename(program ?? '') !== 'dnsmasq') return null;
  return args.find((arg) => arg.startsWith('--conf-file='))?.slice('--conf-file='.length) ?? null;
}
