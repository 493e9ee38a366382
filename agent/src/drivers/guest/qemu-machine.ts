import { existsSync } from 'node:fs';
import type { Clock } from '@drover/shared/lib/clock';
import { Problem } from '@drover/shared/lib/problem';
import type { RunEnd } from '@drover/shared/model/guest';
import { z } from 'zod';
import { endSupervised, isSupervisedAlive, type Supervised, waitUntilGone } from '../../host/supervise.ts';
import type { PausedGuest } from './driver.ts';
import { GuestAgent } from './guest-agent.ts';
import { agentSocketPath, qmpSocketPath, serialLogPath, serialSocketPath } from './qemu-command.ts';
import type { MachineRecord } from './qemu-files.ts';
import { BlockDevices, pauseOf } from './qemu-pause.ts';
import { QmpConnection, type QmpEvent } from './qmp.ts';
import { SerialConsole } from './serial-console.ts';

export interface MachineOptions {
  readonly id: number;
  readonly record: MachineRecord;
  readonly supervised: Supervised;
  readonly runFolder: string;
  readonly clock: Clock;
  /** Something happened that the host has to look at: the process ended, or the guest in it did. */
  readonly onChange: (machine: QemuMachine) => void;
}

/** Whether the guest in a living QEMU goes on, or how it came to its end; null while it goes on. */
export type GuestFate = Extract<RunEnd, 'self' | 'crash' | 'host'> | null;

const RunStatus = z.object({ status: z.string() });
const Chardevs = z.array(z.object({ 'label': z.string(), 'frontend-open': z.boolean() }));

/** How long QEMU may take to flush its disks once told to quit, before it is killed. */
const QUIT_DEADLINE_MS = 3_000;
const SOCKET_STEP_MS = 2;
const AGENT_WAIT_MS = 5_000;

/** One running QEMU, and the one conversation with its monitor. State comes by events; asking costs nothing. */
export class QemuMachine {
  readonly id: number;
  readonly record: MachineRecord;
  readonly supervised: Supervised;
  readonly console: SerialConsole;
  readonly #options: MachineOptions;
  #qmp: QmpConnection | null = null;
  #connecting: Promise<void> | null = null;
  #status = 'unknown';
  #pause: PausedGuest | null = null;
  #stoppedAtMs = 0;
  #agentOpen = false;
  #agent: Promise<GuestAgent> | null = null;
  /** Told of each event, and null when the conversation ends. */
  #waiters = new Set<(event: QmpEvent | null) => void>();

  constructor(options: MachineOptions) {
    this.id = options.id;
    this.record = options.record;
    this.supervised = options.supervised;
    this.#options = options;
    this.console = new SerialConsole(serialSocketPath(options.runFolder), serialLogPath(options.record.folder));
  }

  get isAlive(): boolean {
    return isSupervisedAlive(this.supervised);
  }

  get isConnected(): boolean {
    return this.#qmp?.isOpen ?? false;
  }

  get fate(): GuestFate {
    switch (this.#status) {
      case 'shutdown':
        return 'self';
      case 'guest-panicked':
      case 'internal-error':
        return 'crash';
      case TERMINATED:
        return 'host';
      default:
        return null;
    }
  }

  /** Why the guest stands still; null while it goes on. */
  get pause(): PausedGuest | null {
    return this.#pause;
  }

  /** Connects to the monitor, as soon as QEMU opens it, and learns how the guest is. */
  connect(signal: AbortSignal): Promise<void> {
    if (this.isConnected) return Promise.resolve();
    this.#connecting ??= this.#open(signal).finally(() => {
      this.#connecting = null;
    });
    return this.#connecting;
  }

  async #open(signal: AbortSignal): Promise<void> {
    const path = qmpSocketPath(this.#options.runFolder);
    const { clock } = this.#options;
    for (;;) {
      signal.throwIfAborted();
      if (!this.isAlive) throw new Problem('host-failed', 'QEMU ended', { retryable: true });
      if (existsSync(path)) {
        try {
          const events = { clock, onEvent: (event: QmpEvent) => this.#receive(event), onClose: () => this.#lost() };
          this.#qmp = await QmpConnection.open(path, events);
          break;
        } catch (error) {
          // Bound but not listening yet; the next step finds it ready.
          if (!(error instanceof Problem && error.code === 'not-found')) throw error;
        }
      }
      await clock.sleep(SOCKET_STEP_MS, signal);
    }
    this.#stoppedAtMs = clock.now();
    try {
      const [chardevs] = await Promise.all([this.execute('query-chardev'), this.#learn()]);
      this.#agentOpen = Chardevs.parse(chardevs).some((chardev) => chardev.label === 'agent' && chardev['frontend-open']);
    } catch (error) {
      // Without knowing how the guest is, later events mean nothing: the next look begins anew.
      this.#qmp.close();
      throw error;
    }
  }

  execute(command: string, args?: Readonly<Record<string, unknown>>, timeoutMs?: number): Promise<unknown> {
    if (!this.#qmp) return Promise.reject(new Problem('host-failed', 'QEMU does not answer on its monitor', { retryable: true }));
    return this.#qmp.execute(command, args, timeoutMs);
  }

  /** Resolves at the first event that `matches`, or when the conversation ends. Rejects with the signal. */
  waitFor(matches: (event: QmpEvent) => boolean, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const finish = (done: () => void) => {
        this.#waiters.delete(look);
        signal.removeEventListener('abort', aborted);
        done();
      };
      const aborted = () => finish(() => reject(signal.reason));
      const look = (event: QmpEvent | null) => {
        if (event === null || matches(event)) finish(resolve);
      };
      if (signal.aborted) return reject(signal.reason);
      signal.addEventListener('abort', aborted, { once: true });
      this.#waiters.add(look);
    });
  }

  /** Asks the guest to power off: by the power button, and by its agent where one listens. */
  async powerDown(): Promise<void> {
    const asked = this.execute('system_powerdown');
    // A successful guest-shutdown is not answered, so nothing is waited for.
    if (this.#agentOpen)
      this.agent().then(
        (agent) => agent.tell('guest-shutdown', { mode: 'powerdown' }),
        () => {},
      );
    await asked;
  }

  /** A process that is gone may have said something that is not read yet: how it came to its end. */
  async hearOut(): Promise<void> {
    if (this.isConnected && !this.isAlive) await this.waitFor(() => false, new AbortController().signal);
  }

  /** Makes a guest that stands still go on. If what stopped it is still so, it stops again. */
  async resume(): Promise<void> {
    await this.execute(this.#status === 'suspended' ? 'system_wakeup' : 'cont');
    await this.#learn();
  }

  /** Ends the process, politely first so that what it holds of the disks is written. Returns once it is gone. */
  async end(): Promise<void> {
    const { clock } = this.#options;
    if (this.isConnected && this.isAlive) {
      try {
        // QEMU may close the monitor before it answers.
        this.execute('quit').catch(() => {});
        await waitUntilGone(this.supervised, clock, QUIT_DEADLINE_MS);
      } catch {
        // It hangs: killed below.
      }
    }
    await endSupervised(this.supervised, clock);
    this.close();
  }

  /** Ends our conversations with it; the machine goes on. */
  close(): void {
    this.#agent?.then(
      (agent) => agent.close(),
      () => {},
    );
    this.console.close();
    this.#qmp?.close();
  }

  /** The guest's agent, once it listens. Throws Problem when it does not within a few seconds. */
  async agent(): Promise<GuestAgent> {
    const { clock } = this.#options;
    if (!this.#agentOpen) await this.#waitForAgent(clock);
    this.#agent ??= GuestAgent.open(agentSocketPath(this.#options.runFolder), clock, () => {
      this.#agent = null;
    }).catch((error) => {
      this.#agent = null;
      throw error;
    });
    return this.#agent;
  }

  async #waitForAgent(clock: Clock): Promise<void> {
    const given = new AbortController();
    const cancel = clock.after(AGENT_WAIT_MS, () => given.abort());
    try {
      await this.waitFor((event) => event.event === 'VSERPORT_CHANGE' && event.data.open === true, given.signal);
    } catch {
      throw new Problem('wrong-state', 'the guest agent does not answer', {
        suggestion: 'wait until the guest has booted, or install the package qemu-guest-agent in it; the console works without',
        retryable: true,
      });
    } finally {
      cancel();
    }
  }

  #receive(event: QmpEvent): void {
    switch (event.event) {
      case 'SHUTDOWN':
        this.#status = statusAfterShutdown(event) ?? this.#status;
        break;
      case 'GUEST_PANICKED':
        this.#status = 'guest-panicked';
        break;
      case 'STOP':
        this.#stoppedAtMs = this.#options.clock.now();
        break;
      case 'VSERPORT_CHANGE':
        this.#agentOpen = event.data.open === true;
        if (!this.#agentOpen)
          this.#agent?.then(
            (agent) => agent.close(),
            () => {},
          );
        break;
    }
    for (const look of [...this.#waiters]) look(event);
    const changed = () => this.#options.onChange(this);
    if (ENDING.includes(event.event)) changed();
    // Events tell that it stands still or goes on, not why.
    if (TURNING.includes(event.event)) this.#learn().then(changed, changed);
  }

  /** Asks how the guest is. What has come to its end stays so. */
  async #learn(): Promise<void> {
    const { status } = RunStatus.parse(await this.execute('query-status'));
    const pause = pauseOf(status, status === 'io-error' ? BlockDevices.parse(await this.execute('query-block')) : []);
    if (this.fate !== null) return;
    this.#status = status;
    this.#pause = pause && { ...pause, sinceMs: this.#stoppedAtMs };
  }

  #lost(): void {
    this.#qmp = null;
    for (const look of [...this.#waiters]) look(null);
    // The monitor closes a moment before the process is gone.
    waitUntilGone(this.supervised, this.#options.clock, QUIT_DEADLINE_MS).then(
      () => this.#options.onChange(this),
      () => this.#options.onChange(this),
    );
  }
}

const ENDING: readonly string[] = ['SHUTDOWN', 'GUEST_PANICKED'];
const TURNING: readonly string[] = ['STOP', 'RESUME', 'RESET', 'SUSPEND', 'WAKEUP'];

/** Not one of QEMU's own: the host told the process to end, as systemd does when the host goes down. */
const TERMINATED = 'terminated';

/** What became of the guest; null where the process was told to quit, which is our own doing. */
function statusAfterShutdown({ data }: QmpEvent): string | null {
  if (data.reason === 'host-signal') return TERMINATED;
  if (data.guest !== true) return null;
  return data.reason === 'guest-panic' ? 'guest-panicked' : 'shutdown';
}
