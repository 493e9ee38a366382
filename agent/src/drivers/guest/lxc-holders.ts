import { readdirSync } from 'node:fs';
import type { Clock } from '@drover/shared/lib/clock';
import { Problem } from '@drover/shared/lib/problem';
import { run } from '../../host/shell.ts';
import { endSupervised, GUESTS_SLICE, isSupervisedAlive, killSupervised, type Supervised, supervise } from '../../host/supervise.ts';
import { type CgroupMounts, hasCgroup, sweepCgroups } from './lxc-cgroup.ts';
import { vethName } from './lxc-config.ts';
import { type ContainerRecord, errorsOf, findInit, HOLD_CONTAINER, HOLD_CONTAINER_IN_UNIT, type LxcRunFolders } from './lxc-run.ts';

interface HolderOptions {
  readonly instance: string;
  readonly folders: LxcRunFolders;
  readonly cgroups: () => CgroupMounts;
  /** Are containers' groups made within those of their units? */
  readonly hasUnitGroups: () => boolean;
  readonly clock: Clock;
  readonly log: (line: string) => void;
}

const LOOK_MS = 1;
/** How long a holder may be without a container, as it is while that reboots, before it is ended itself. */
const BETWEEN_LIVES_MS = 250;
const KILL_DEADLINE_MS = 10_000;
const WIRE_DEADLINE_MS = 1_000;

/** The processes that hold this host's containers: found, started, ended. They outlive the agent; a container runs while its holder lives. */
export class LxcHolders {
  private readonly options: HolderOptions;
  private readonly known = new Map<number, Supervised>();
  /** Containers whose holder is being started: they are neither leftovers nor crashed. */
  private readonly starting = new Set<number>();

  constructor(options: HolderOptions) {
    this.options = options;
  }

  nameOf(id: number): string {
    return `drover${this.options.instance}-${id}`;
  }

  isStarting(id: number): boolean {
    return this.starting.has(id);
  }

  /** Null when the container does not run. Costs one look into /proc while nothing has changed. */
  find(id: number): Supervised | null {
    const { folders, cgroups } = this.options;
    const known = this.known.get(id) ?? folders.read(id)?.supervised;
    if (known && isSupervisedAlive(known)) {
      this.known.set(id, known);
      return known;
    }
    this.known.delete(id);
    // Without a control group there is no container, and no need to search all processes.
    if (this.starting.has(id) || !hasCgroup(this.nameOf(id), cgroups())) return null;
    const found = folders.findHolder(id, this.nameOf(id));
    if (found) this.known.set(id, found);
    return found;
  }

  /** The first process of a running container; null when it does not run, or is between two lives. */
  init(id: number): Supervised | null {
    const holder = this.find(id);
    return holder === null ? null : findInit(holder);
  }

  /** Starts what the container's configuration says, and returns once it runs. When it does not, nothing of it is left. */
  async start(id: number, record: ContainerRecord, signal: AbortSignal): Promise<void> {
    const { instance, folders } = this.options;
    this.starting.add(id);
    try {
      const holder = await supervise('/bin/sh', this.command(id), {
        unit: `drover${instance}-container-${id}`,
        slice: GUESTS_SLICE,
        description: `Drover container ${id} (${record.spec.name})`,
        logPath: folders.logPath(id),
        delegate: true,
      });
      this.known.set(id, holder);
      folders.write(id, { ...record, supervised: holder });
      await this.untilRunning(id, holder, signal);
    } catch (error) {
      await this.kill(id);
      await this.sweep(id);
      throw error;
    } finally {
      this.starting.delete(id);
    }
  }

  /** Ends a container; returns once its holder has ended too. */
  async kill(id: number): Promise<void> {
    const { clock, log } = this.options;
    for (let holder = this.find(id); holder !== null; holder = this.find(id)) {
      let patienceMs = BETWEEN_LIVES_MS;
      const init = findInit(holder);
      if (init !== null) {
        // LXC itself cleans up after a container whose first process was killed.
        killSupervised(init, 'SIGKILL');
        patienceMs = KILL_DEADLINE_MS;
      }
      const deadline = clock.now() + patienceMs;
      while (isSupervisedAlive(holder)) {
        if (init === null && findInit(holder) !== null) break;
        if (clock.now() > deadline) {
          log(`guest ${id}: LXC does not end, so it is killed`);
          await endSupervised(holder, clock);
        }
        await clock.sleep(LOOK_MS);
      }
    }
  }

  /** Takes away what a run leaves on the host. */
  async sweep(id: number): Promise<void> {
    const { cgroups, clock, folders } = this.options;
    await sweepCgroups(this.nameOf(id), cgroups(), clock);
    await this.sweepWires(id);
    folders.remove(id);
    this.known.delete(id);
  }

  private command(id: number): readonly string[] {
    const { folders } = this.options;
    const start = ['lxc-start', '--foreground', ...folders.lxcOptions(id, this.nameOf(id))];
    const hold = this.options.hasUnitGroups() ? HOLD_CONTAINER_IN_UNIT : HOLD_CONTAINER;
    return ['-c', hold, 'sh', folders.endPath(id), ...start, '--close-all-fds', '--logfile=/dev/stderr', '--logpriority=INFO'];
  }

  private async untilRunning(id: number, holder: Supervised, signal: AbortSignal): Promise<void> {
    while (findInit(holder) === null) {
      if (!isSupervisedAlive(holder)) {
        const said = errorsOf(this.options.folders.readEnd(id) ?? '');
        throw new Problem('host-failed', `LXC could not start the container: ${said || 'it ended at once'}`, { retryable: true });
      }
      await this.options.clock.sleep(LOOK_MS, signal);
    }
  }

  /** A wire goes with its container, but the kernel takes its time. */
  private async sweepWires(id: number): Promise<void> {
    const { clock, instance } = this.options;
    const first = vethName(instance, id, 0).slice(0, -1);
    const wires = () => readdirSync('/sys/class/net').filter((name) => name.startsWith(first) && /^\d+$/.test(name.slice(first.length)));
    const deadline = clock.now() + WIRE_DEADLINE_MS;
    for (let left = wires(); left.length > 0; left = wires()) {
      if (clock.now() > deadline)
        for (const wire of left) await run('ip', ['link', 'del', 'dev', wire], { okCodes: [0, 1], timeoutMs: 5_000 });
      else await clock.sleep(LOOK_MS);
    }
  }
}
