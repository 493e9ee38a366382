import { existsSync, readdirSync, readlinkSync, rmSync, watch as watchFolder, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assert } from '@drover/shared/lib/assert';
import type { Clock } from '@drover/shared/lib/clock';
import { Problem } from '@drover/shared/lib/problem';
import type { ContainerSpec } from '@drover/shared/model/guest';
import type { AgentConfig } from '../../config.ts';
import { run } from '../../host/shell.ts';
import { endSupervised, isSupervisedAlive, killSupervised, type Supervised, supervise, waitUntilGone } from '../../host/supervise.ts';
import { ensureShiftGranted, ID_SHIFT } from '../storage/shifted.ts';
import type { GuestDefinition, GuestDriver, ObservedGuest } from './driver.ts';
import { createGuestFileReader, identifyGuestFolder, removeGuestFile, writeGuestFile } from './guest-folder.ts';
import { type CgroupMounts, containersWithGroups, findCgroups, hasCgroup, sweepCgroups } from './lxc-cgroup.ts';
import { type LxcHost, lxcConfig, vethName } from './lxc-config.ts';
import { execInContainer, type LxcTarget, openContainerShell } from './lxc-exec.ts';
import { describeLxc, lookAtHost } from './lxc-host.ts';
import { ensureIdentity, removeIdentity } from './lxc-identity.ts';
import { detectInit, kindOf } from './lxc-init.ts';
import { applyLive, restartFields } from './lxc-live.ts';
import { endOfRun, errorsOf, findInit, HOLD_CONTAINER, LxcRunFolders } from './lxc-run.ts';
import { createRunRecords } from './run-record.ts';

export interface LxcDriverOptions {
  readonly config: AgentConfig;
  readonly clock: Clock;
  readonly log: (line: string) => void;
}

type Container = GuestDefinition & { readonly spec: ContainerSpec };

const LOOK_MS = 1;
/** How long a holder may be without a container, as it is while that reboots, before it is ended itself. */
const BETWEEN_LIVES_MS = 250;
const KILL_DEADLINE_MS = 10_000;
const REBOOT_DEADLINE_MS = 120_000;
const WIRE_DEADLINE_MS = 1_000;

/** Containers by LXC, each held by a process of its own that outlives the agent. */
export function createLxcDriver({ config, clock, log }: LxcDriverOptions): GuestDriver {
  const readGuestFile = createGuestFileReader();
  const runs = createRunRecords(clock);
  const folders = new LxcRunFolders(config.runPath);
  const holders = new Map<number, Supervised>();
  /** Containers whose holder is being started: they are neither leftovers nor crashed. */
  const starting = new Set<number>();
  const queues = new Map<number, Promise<unknown>>();
  /** How often a guest was told to end: a reboot that is under way then does not start it again. */
  const endings = new Map<number, number>();
  let isShiftGranted = false;
  let looked: { readonly host: LxcHost; readonly cgroups: CgroupMounts } | null = null;

  const nameOf = (id: number): string => `drover${config.instance}-${id}`;
  const target = (id: number): LxcTarget => ({ lxcPath: folders.lxcPath, name: nameOf(id), clock });

  /** Looked up once: a host's control groups and what its kernel can do stay until it boots. */
  function host() {
    if (looked === null) {
      const cgroups = findCgroups();
      looked = { cgroups, host: lookAtHost(cgroups) };
    }
    return looked;
  }

  /** One at a time for each guest. */
  function inTurn<T>(id: number, work: () => Promise<T>): Promise<T> {
    const turn = (queues.get(id) ?? Promise.resolve()).then(work, work);
    const settled = turn.catch(() => {});
    queues.set(id, settled);
    settled.then(() => {
      if (queues.get(id) === settled) queues.delete(id);
    });
    return turn;
  }

  /** The process that holds a running container; null when it does not run. Costs one look into /proc while nothing has changed. */
  function find(id: number): Supervised | null {
    const known = holders.get(id) ?? folders.read(id)?.supervised;
    if (known && isSupervisedAlive(known)) {
      holders.set(id, known);
      return known;
    }
    holders.delete(id);
    // Without a control group there is no container, and no need to search all processes.
    if (starting.has(id) || !hasCgroup(nameOf(id), host().cgroups)) return null;
    const found = folders.findHolder(id, nameOf(id));
    if (found) holders.set(id, found);
    return found;
  }

  /** The first process of a running guest; null when it does not run, or is between two lives. */
  function initOf(id: number): Supervised | null {
    const holder = find(id);
    return holder === null ? null : findInit(holder);
  }

  /** Takes note of how the run ended, once its holder has left word. */
  function settle(id: number, folder: string): void {
    const said = folders.readEnd(id);
    if (said !== null) runs.end(folder, endOfRun(said));
  }

  /** Once is enough: nobody takes the ids of running containers away. */
  async function ensureShift(signal: AbortSignal): Promise<void> {
    if (isShiftGranted) return;
    await ensureShiftGranted(signal);
    isShiftGranted = true;
  }

  async function launch({ id, spec, places }: Container, signal: AbortSignal): Promise<void> {
    const rootfsPath = rootfsOf(places);
    if (spec.unprivileged) await ensureShift(signal);
    await sweep(id);
    ensureIdentity(places.folder, rootfsPath, spec, ownerOf(spec));
    const init = detectInit(rootfsPath);
    folders.ensure(id);
    const container = { id, spec, rootfsPath, nics: places.nics, init, instance: config.instance, idShift: ID_SHIFT };
    writeFileSync(folders.configPath(id), lxcConfig(container, host().host), { mode: 0o600 });
    const record = { v: 1, folder: places.folder, spec } as const;
    folders.write(id, { ...record, supervised: null });
    const takeBack = runs.begin(places.folder, spec.powerRequest);
    try {
      const holder = await supervise('/bin/sh', holdCommand(id), {
        unit: `drover${config.instance}-container-${id}`,
        slice: 'drover.slice',
        description: `Drover container ${id} (${spec.name})`,
        logPath: folders.logPath(id),
        delegate: true,
      });
      holders.set(id, holder);
      folders.write(id, { ...record, supervised: holder });
      await untilRunning(id, holder, signal);
    } catch (error) {
      await kill(id);
      await sweep(id);
      takeBack();
      throw error;
    }
  }

  function holdCommand(id: number): readonly string[] {
    const start = [
      'lxc-start',
      '--foreground',
      `--name=${nameOf(id)}`,
      `--lxcpath=${folders.lxcPath}`,
      `--rcfile=${folders.configPath(id)}`,
    ];
    return ['-c', HOLD_CONTAINER, 'sh', folders.endPath(id), ...start, '--close-all-fds', '--logfile=/dev/stderr', '--logpriority=INFO'];
  }

  async function untilRunning(id: number, holder: Supervised, signal: AbortSignal): Promise<void> {
    while (findInit(holder) === null) {
      if (!isSupervisedAlive(holder)) throw startFailure(folders.readEnd(id) ?? '');
      await clock.sleep(LOOK_MS, signal);
    }
  }

  /** Ends a container; returns once its holder has ended too. */
  async function kill(id: number): Promise<void> {
    for (let holder = find(id); holder !== null; holder = find(id)) {
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
  async function sweep(id: number): Promise<void> {
    await sweepCgroups(nameOf(id), host().cgroups, clock);
    await sweepWires(id);
    folders.remove(id);
    holders.delete(id);
  }

  /** A wire goes with its container, but the kernel takes its time. */
  async function sweepWires(id: number): Promise<void> {
    const first = vethName(config.instance, id, 0).slice(0, -1);
    const wires = () => readdirSync('/sys/class/net').filter((name) => name.startsWith(first) && /^\d+$/.test(name.slice(first.length)));
    const deadline = clock.now() + WIRE_DEADLINE_MS;
    for (let left = wires(); left.length > 0; left = wires()) {
      if (clock.now() > deadline)
        for (const wire of left) await run('ip', ['link', 'del', 'dev', wire], { okCodes: [0, 1], timeoutMs: 5_000 });
      else await clock.sleep(LOOK_MS);
    }
  }

  async function start(definition: Container, signal: AbortSignal): Promise<void> {
    const { id, spec, places } = definition;
    if (find(id)) return runs.adopt(places.folder, spec.powerRequest);
    settle(id, places.folder);
    signal.throwIfAborted();
    starting.add(id);
    try {
      await launch(definition, signal);
    } finally {
      starting.delete(id);
    }
  }

  async function stop(id: number, folder: string): Promise<void> {
    endings.set(id, (endings.get(id) ?? 0) + 1);
    if (find(id)) {
      runs.ask(folder);
      await kill(id);
    }
    settle(id, folder);
    await sweep(id);
    runs.read(folder, false);
  }

  /** Asks the first process to end its system, or to begin it anew; false when there is none at the moment. */
  function ask(id: number, how: 'haltSignal' | 'rebootSignal'): boolean {
    const init = initOf(id);
    if (init === null) return false;
    process.kill(init.pid, kindOf(readlinkSync(`/proc/${init.pid}/exe`))[how].number);
    return true;
  }

  async function rebootPolitely(definition: Container, signal: AbortSignal): Promise<void> {
    const { id, spec, places } = definition;
    const before = initOf(id);
    if (before === null) return inTurn(id, () => start(definition, signal));
    const told = endings.get(id);
    const runsWith = folders.read(id)?.spec;
    const deadline = clock.now() + REBOOT_DEADLINE_MS;
    const tooLong = () => {
      if (clock.now() <= deadline) return;
      throw new Problem('timeout', `the guest did not reboot within ${REBOOT_DEADLINE_MS / 1_000} s`, {
        suggestion: 'reboot it with force, which is like its reset button',
      });
    };
    if (runsWith === undefined || restartFields(runsWith, spec).length > 0) {
      // New settings need a new container: LXC begins the old one anew with the old ones.
      runs.ask(places.folder);
      ask(id, 'haltSignal');
      try {
        for (; find(id) !== null; await clock.sleep(5, signal)) tooLong();
      } catch (error) {
        runs.unask(places.folder);
        throw error;
      }
      if (endings.get(id) !== told) throw new Problem('cancelled', 'the guest was told to end while it was rebooting');
      return inTurn(id, () => start(definition, signal));
    }
    ask(id, 'rebootSignal');
    for (;;) {
      const now = initOf(id);
      if (now !== null && (now.pid !== before.pid || now.startTicks !== before.startTicks)) break;
      if (find(id) === null) throw new Problem('wrong-state', 'the guest ended instead of rebooting');
      tooLong();
      await clock.sleep(5, signal);
    }
    runs.end(places.folder, 'asked');
    runs.begin(places.folder, spec.powerRequest);
  }

  function assertRunning(id: number): void {
    if (initOf(id) === null) throw new Problem('wrong-state', 'the guest is not running', { suggestion: 'start it first' });
  }

  return {
    type: 'container',
    name: 'lxc',
    probe: describeLxc,
    async list(guestFolders) {
      const defined = guestFolders.flatMap((folder) => {
        const guest = identifyGuestFolder(folder);
        return guest?.type === 'container' ? [guest.id] : [];
      });
      const prefix = `drover${config.instance}-`;
      const running = containersWithGroups(prefix, host().cgroups).map((name) => Number(name.slice(prefix.length)));
      return [...new Set([...defined, ...running])].sort((a, b) => a - b);
    },
    async observe(id, folder) {
      const isRunning = find(id) !== null;
      if (!isRunning && !starting.has(id)) settle(id, folder);
      const applied = readGuestFile(folder, id);
      const lastRun = runs.read(folder, isRunning || starting.has(id));
      if (!isRunning && applied === null && lastRun === null) return null;
      const runsWith = isRunning ? folders.read(id)?.spec : undefined;
      const observed: ObservedGuest = {
        id,
        type: 'container',
        applied,
        running: isRunning,
        lastRun,
        needsRestart: runsWith && applied?.spec.type === 'container' ? restartFields(runsWith, applied.spec) : [],
        accelerator: null,
      };
      return observed;
    },
    define: (definition, signal) =>
      inTurn(definition.id, async () => {
        const { id, spec, places } = asContainer(definition);
        ensureIdentity(places.folder, rootfsOf(places), spec, ownerOf(spec));
        const init = initOf(id);
        const record = folders.read(id);
        if (init !== null && record !== null) {
          folders.write(id, { ...record, spec: await applyLive(init.pid, record.spec, spec, { ...host(), signal }) });
        }
        writeGuestFile(places.folder, id, spec);
      }),
    start: (definition, signal) => inTurn(definition.id, () => start(asContainer(definition), signal)),
    async shutdown(id, folder) {
      endings.set(id, (endings.get(id) ?? 0) + 1);
      if (find(id) === null) return;
      runs.ask(folder);
      if (!ask(id, 'haltSignal')) throw new Problem('busy', 'the guest is rebooting at this moment', { retryable: true });
    },
    stop: (id, folder) => inTurn(id, () => stop(id, folder)),
    reboot: (definition, force, signal) => {
      const container = asContainer(definition);
      if (!force) return rebootPolitely(container, signal);
      return inTurn(definition.id, async () => {
        await stop(container.id, container.places.folder);
        await start(container, signal);
      });
    },
    remove: (id, folder) =>
      inTurn(id, async () => {
        if (find(id)) throw new Problem('wrong-state', 'the guest is running', { suggestion: 'stop it first' });
        await sweep(id);
        removeIdentity(folder);
        runs.remove(folder);
        rmSync(join(folder, 'guest.json.bad'), { force: true });
        removeGuestFile(folder);
        endings.delete(id);
      }),
    async exec(id, _folder, command, tty) {
      assertRunning(id);
      return execInContainer(target(id), command, tty);
    },
    async console(id) {
      assertRunning(id);
      return openContainerShell(target(id));
    },
    watch(changed) {
      folders.ensure();
      const watcher = watchFolder(folders.endsFolder, (_event, name) => {
        if (name === null || !/^\d+$/.test(name)) return;
        const id = Number(name);
        const holder = holders.get(id);
        // Word is left, and when the run begins the file for it made, a moment before or long before the holder itself is gone.
        if (folders.readEnd(id) === null) return;
        const gone = holder ? waitUntilGone(holder, clock, KILL_DEADLINE_MS) : Promise.resolve();
        gone.catch(() => {}).then(() => changed(id));
      });
      return () => watcher.close();
    },
  };
}

function asContainer(definition: GuestDefinition): Container {
  const { spec } = definition;
  assert(spec.type === 'container', 'LXC runs containers');
  return { ...definition, spec };
}

function rootfsOf(places: GuestDefinition['places']): string {
  const [root] = places.disks;
  assert(root?.form === 'directory', 'the first disk of a container is a folder');
  if (!existsSync(root.path)) throw new Problem('host-failed', `the root file system is not there: ${root.path}`, { retryable: true });
  return root.path;
}

function ownerOf({ unprivileged }: ContainerSpec) {
  const id = unprivileged ? ID_SHIFT.first : 0;
  return { uid: id, gid: id };
}

function startFailure(said: string): Problem {
  return new Problem('host-failed', `LXC could not start the container${said === '' ? '' : `: ${errorsOf(said) || 'it ended at once'}`}`, {
    retryable: true,
  });
}
