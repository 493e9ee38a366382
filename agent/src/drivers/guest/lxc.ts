import { existsSync, readlinkSync, rmSync, watch as watchFolder, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assert } from '@drover/shared/lib/assert';
import type { Clock } from '@drover/shared/lib/clock';
import { Problem } from '@drover/shared/lib/problem';
import type { ContainerSpec } from '@drover/shared/model/guest';
import type { AgentConfig } from '../../config.ts';
import { waitUntilGone } from '../../host/supervise.ts';
import { ensureShiftGranted, ID_SHIFT } from '../storage/shifted.ts';
import type { EndCause, GuestDefinition, GuestDriver, ObservedGuest } from './driver.ts';
import { createGuestFileReader, identifyGuestFolder, removeGuestFile, writeGuestFile } from './guest-folder.ts';
import { type CgroupMounts, containersWithGroups, findCgroups } from './lxc-cgroup.ts';
import { type LxcHost, lxcConfig, vethName } from './lxc-config.ts';
import { execInContainer, type LxcTarget, openContainerShell } from './lxc-exec.ts';
import { LxcHolders } from './lxc-holders.ts';
import { describeLxc, lookAtHost } from './lxc-host.ts';
import { ensureIdentity, removeIdentity } from './lxc-identity.ts';
import { detectInit, kindOf } from './lxc-init.ts';
import { applyLive, restartFields } from './lxc-live.ts';
import { type ContainerRecord, endOfRun, LxcRunFolders } from './lxc-run.ts';
import { createRunRecords } from './run-record.ts';
import { createTurns } from './turns.ts';

export interface LxcDriverOptions {
  readonly config: AgentConfig;
  readonly clock: Clock;
  readonly log: (line: string) => void;
}

type Container = GuestDefinition & { readonly spec: ContainerSpec };

const REBOOT_DEADLINE_MS = 120_000;
const LOOK_MS = 20;
/** From a holder's last word to its end. */
const LAST_WORD_DEADLINE_MS = 10_000;

/** Containers by LXC, each held by a process of its own that outlives the agent. */
export function createLxcDriver({ config, clock, log }: LxcDriverOptions): GuestDriver {
  const readGuestFile = createGuestFileReader();
  const runs = createRunRecords(clock);
  const folders = new LxcRunFolders(config.runPath);
  const holders = new LxcHolders({
    instance: config.instance,
    folders,
    cgroups: () => host().cgroups,
    hasUnitGroups: () => host().host.unitGroups,
    clock,
    log,
  });
  const inTurn = createTurns();
  /** How often a guest was told to end: a reboot that is under way then does not start it again. */
  const endings = new Map<number, number>();
  let isShiftGranted = false;
  let looked: { readonly host: LxcHost; readonly cgroups: CgroupMounts } | null = null;

  const target = (id: number): LxcTarget => ({ lxcPath: folders.lxcPath, name: holders.nameOf(id), clock });

  /** Looked up once: a host's control groups and what its kernel can do stay until it boots. */
  function host() {
    if (looked === null) {
      const cgroups = findCgroups();
      looked = { cgroups, host: lookAtHost(cgroups) };
    }
    return looked;
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
    await holders.sweep(id);
    ensureIdentity(places.folder, rootfsPath, spec, ownerOf(spec));
    const init = detectInit(rootfsPath);
    folders.ensure(id);
    const container = { id, spec, rootfsPath, nics: places.nics, init, instance: config.instance, idShift: ID_SHIFT };
    writeFileSync(folders.configPath(id), lxcConfig(container, host().host), { mode: 0o600 });
    const record: ContainerRecord = { v: 1, folder: places.folder, spec, supervised: null };
    folders.write(id, record);
    await runs.start(places.folder, spec.powerRequest, () => holders.start(id, record, signal));
  }

  async function start(definition: Container, signal: AbortSignal): Promise<void> {
    const { id, spec, places } = definition;
    if (holders.find(id)) return runs.adopt(places.folder, spec.powerRequest);
    settle(id, places.folder);
    signal.throwIfAborted();
    await launch(definition, signal);
  }

  async function stop(id: number, folder: string, cause?: EndCause): Promise<void> {
    endings.set(id, (endings.get(id) ?? 0) + 1);
    if (holders.find(id)) {
      runs.ask(folder, cause);
      await holders.kill(id);
    }
    settle(id, folder);
    await holders.sweep(id);
    runs.read(folder, false);
  }

  /** Asks the first process to end its system, or to begin it anew; false when there is none at the moment. */
  function ask(id: number, how: 'haltSignal' | 'rebootSignal'): boolean {
    const init = holders.init(id);
    if (init === null) return false;
    try {
      process.kill(init.pid, kindOf(readlinkSync(`/proc/${init.pid}/exe`))[how].number);
      return true;
    } catch {
      // It ended between the look and the signal.
      return false;
    }
  }

  async function rebootPolitely(definition: Container, signal: AbortSignal): Promise<void> {
    const { id, spec, places } = definition;
    const before = holders.init(id);
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
        for (; holders.find(id) !== null; await clock.sleep(LOOK_MS, signal)) tooLong();
      } catch (error) {
        // Called off: it may still end, and then not by its own will.
        if (!signal.aborted) runs.unask(places.folder);
        throw error;
      }
      if (endings.get(id) !== told) throw new Problem('cancelled', 'the guest was told to end while it was rebooting');
      return inTurn(id, () => start(definition, signal));
    }
    ask(id, 'rebootSignal');
    for (;;) {
      const now = holders.init(id);
      if (now !== null && (now.pid !== before.pid || now.startTicks !== before.startTicks)) break;
      if (holders.find(id) === null) throw new Problem('wrong-state', 'the guest ended instead of rebooting');
      tooLong();
      await clock.sleep(LOOK_MS, signal);
    }
    runs.end(places.folder, 'asked');
    runs.begin(places.folder, spec.powerRequest);
  }

  function assertRunning(id: number): void {
    if (holders.init(id) === null) throw new Problem('wrong-state', 'the guest is not running', { suggestion: 'start it first' });
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
      const isRunning = holders.find(id) !== null;
      if (!isRunning && !holders.isStarting(id)) settle(id, folder);
      const applied = readGuestFile(folder, id);
      const lastRun = runs.read(folder, isRunning);
      if (!isRunning && applied === null && lastRun === null) return null;
      const runsWith = isRunning ? folders.read(id)?.spec : undefined;
      const observed: ObservedGuest = {
        id,
        type: 'container',
        applied,
        running: isRunning,
        lastRun,
        needsRestart: runsWith && applied?.spec.type === 'container' ? restartFields(runsWith, applied.spec) : [],
        paused: null,
        accelerator: null,
      };
      return observed;
    },
    gauge(id) {
      const init = holders.init(id);
      const wires = (folders.read(id)?.spec.nics ?? []).map((_nic, index) => vethName(config.instance, id, index));
      return init === null ? null : { id, type: 'container', pid: init.pid, startTicks: init.startTicks, wires };
    },
    define: (definition, signal) =>
      inTurn(definition.id, async () => {
        const { id, spec, places } = asContainer(definition);
        ensureIdentity(places.folder, rootfsOf(places), spec, ownerOf(spec));
        const init = holders.init(id);
        const record = folders.read(id);
        if (init !== null && record !== null) {
          folders.write(id, { ...record, spec: await applyLive(init.pid, record.spec, spec, { ...host(), signal }) });
        }
        writeGuestFile(places.folder, id, spec);
      }),
    start: (definition, signal) => inTurn(definition.id, () => start(asContainer(definition), signal)),
    async shutdown(id, folder, _signal, cause) {
      endings.set(id, (endings.get(id) ?? 0) + 1);
      if (holders.find(id) === null) return;
      runs.ask(folder, cause);
      if (!ask(id, 'haltSignal')) throw new Problem('busy', 'the guest is rebooting at this moment', { retryable: true });
    },
    stop: (id, folder, _signal, cause) => inTurn(id, () => stop(id, folder, cause)),
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
        if (holders.find(id)) throw new Problem('wrong-state', 'the guest is running', { suggestion: 'stop it first' });
        await holders.sweep(id);
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
        const holder = holders.find(id);
        // Word is left, and when the run begins the file for it made, a moment before or long before the holder itself is gone.
        if (folders.readEnd(id) === null) return;
        const gone = holder ? waitUntilGone(holder, clock, LAST_WORD_DEADLINE_MS) : Promise.resolve();
        gone.catch(() => {}).then(() => changed(id));
      });
      return () => watcher.close();
    },
    // Nothing is held between two calls: what is true of a container is looked up in /proc.
    leave() {},
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
