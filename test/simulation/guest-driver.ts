import { Problem } from '@drover/shared/lib/problem';
import type { GuestType } from '@drover/shared/model/guest';
import { definitionDigest } from '../../agent/src/core/definition.ts';
import type { GuestDefinition, GuestDriver, LastRun } from '../../agent/src/drivers/guest/driver.ts';
import { never } from './life.ts';
import { ended, type GuestFolder, type RunFile, type RunningGuest, saveRun } from './machine.ts';
import { ask, type Operator, operate } from './operate.ts';
import { simulatedShell } from './shell.ts';

/** Guests that are entries in a table, with the manners of the real ones: a driver for the simulated host. */
export function createSimulatedGuestDriver(type: GuestType, operator: Operator): GuestDriver {
  const { machine, life } = operator;
  const now = () => life.clock.now();

  /** The last run, settled: as the real run records do it. */
  function lastRun(folder: GuestFolder, isRunning: boolean): LastRun | null {
    const { run } = folder;
    if (!run || run.end !== null) return run;
    if (isRunning) {
      if (run.starting) saveRun(folder, { ...run, starting: false }, false);
      return folder.run;
    }
    if (run.bootId === machine.bootId && run.starting && !run.asked) return run;
    const how = run.bootId !== machine.bootId ? 'host' : run.asked ? 'asked' : 'crash';
    saveRun(folder, ended(run, how, now()), true);
    return folder.run;
  }

  function runningGuest(id: number): RunningGuest {
    const guest = machine.running.get(id);
    if (!guest) throw new Problem('wrong-state', `guest ${id} is not running`);
    return guest;
  }

  const markAsked = ({ folder }: RunningGuest) => {
    if (folder.run && folder.run.end === null) saveRun(folder, { ...folder.run, asked: true }, false);
  };

  async function start({ id, spec, places }: GuestDefinition, signal: AbortSignal, again = false): Promise<void> {
    const folder = machine.folder(places.folder);
    for (const disk of spec.disks) {
      if (!folder.disks.get(disk.name)?.attached) throw new Problem('internal', `guest ${id} was started without its disk ${disk.name}`);
    }
    if (folder.definition === null) throw new Problem('internal', `guest ${id} was started before it was defined`);
    const before = machine.running.get(id);
    if (before) {
      // It runs already, and now for this request as well.
      const { run } = before.folder;
      if (run && run.powerRequest !== spec.powerRequest)
        saveRun(before.folder, { ...run, powerRequest: spec.powerRequest, crashes: 0, asked: false }, true);
      return;
    }
    const last = lastRun(folder, false);
    await operate(operator, `start ${type}`, id, signal, [
      () => {
        const crashes = last?.powerRequest === spec.powerRequest ? last.crashes : 0;
        const run: RunFile = {
          bootId: machine.bootId,
          powerRequest: spec.powerRequest,
          startedAtMs: now(),
          endedAtMs: null,
          end: null,
          crashes,
          asked: false,
          starting: true,
        };
        saveRun(folder, run, false);
      },
      () => {
        if (machine.running.has(id)) machine.tell({ do: 'guest-doubled', guestId: id });
        machine.begin(id, type, spec, folder);
        machine.tell({ do: 'guest-started', guestId: id, powerRequest: spec.powerRequest, last, again });
      },
      () => {
        if (folder.run?.starting) saveRun(folder, { ...folder.run, starting: false }, false);
      },
    ]);
  }

  return {
    type,
    gauge(id) {
      const guest = machine.running.get(id);
      return guest ? { id, type, pid: id, startTicks: 0, wires: guest.macs.map((_mac, index) => `sim${id}i${index}`) } : null;
    },
    name: type === 'vm' ? 'simulated-vm' : 'simulated-container',
    probe: async () => ({
      port: 'guest',
      name: type === 'vm' ? 'simulated-vm' : 'simulated-container',
      title: type === 'vm' ? 'Simulated virtual machines' : 'Simulated containers',
      usable: true,
      reason: 'this host is simulated: its guests are entries in a table',
      capabilities: { type },
    }),
    list: (folders) =>
      ask(operator, `list ${type}s`, () => {
        const defined = folders.flatMap((path) => {
          const folder = machine.folderIfThere(path);
          return folder?.definition?.spec.type === type ? [Number(path.slice(path.lastIndexOf('/') + 1))] : [];
        });
        const running = [...machine.running.values()].flatMap((guest) => (guest.type === type ? [guest.id] : []));
        return [...new Set([...defined, ...running])];
      }),
    observe: (id, path) =>
      ask(operator, `observe ${type}`, () => {
        const folder = machine.folderIfThere(path);
        const guest = machine.running.get(id);
        if (!guest && !folder?.definition && !folder?.run) return null;
        return {
          id,
          type,
          applied: folder?.definition ?? null,
          running: guest !== undefined,
          lastRun: folder ? lastRun(folder, guest !== undefined) : null,
          needsRestart: guest && folder?.definition ? needsRestart(guest, folder.definition.spec) : [],
          paused: null,
          accelerator: guest && type === 'vm' ? 'simulated' : null,
        };
      }),
    define: ({ id, spec, places }, signal) =>
      operate(operator, `define ${type}`, id, signal, [
        () => {
          machine.folder(places.folder).definition = { spec, digest: definitionDigest(spec) };
          machine.tell({ do: 'guest-defined', guestId: id });
        },
      ]),
    start: (definition, signal) => start(definition, signal),
    shutdown: async (id, _folder, signal, cause = 'asked') => {
      const guest = machine.running.get(id);
      if (!guest) return;
      machine.tell({ do: 'guest-ending', guestId: id, how: 'shutdown' });
      await operate(operator, `shut ${type} down`, id, signal, [
        () => cause === 'asked' && markAsked(guest),
        () => {
          const afterMs = machine.weather.shutdownMs(id);
          if (afterMs !== null) machine.clock.after(afterMs, () => machine.end(guest, cause));
        },
      ]);
    },
    stop: async (id, _folder, signal, cause = 'asked') => {
      const guest = machine.running.get(id);
      if (!guest) return;
      machine.tell({ do: 'guest-ending', guestId: id, how: 'stop' });
      await operate(operator, `stop ${type}`, id, signal, [() => cause === 'asked' && markAsked(guest), () => machine.end(guest, cause)]);
    },
    reboot: async (definition, _force, signal) => {
      const guest = machine.running.get(definition.id);
      if (guest) {
        await operate(operator, `reboot ${type}`, definition.id, signal, [
          () => {
            markAsked(guest);
            machine.end(guest, 'asked');
          },
        ]);
      }
      await start(definition, signal, true);
      machine.tell({ do: 'guest-rebooted', guestId: definition.id });
    },
    remove: async (id, path, signal) => {
      if (machine.running.has(id)) throw new Problem('wrong-state', `guest ${id} runs`);
      if (!machine.folderIfThere(path)) return;
      const folder = machine.folder(path);
      await operate(operator, `remove ${type}`, id, signal, [
        () => {
          folder.run = null;
          folder.flushedRun = null;
        },
        () => {
          folder.definition = null;
        },
      ]);
    },
    exec: async (id, _folder, command, tty) => {
      const guest = runningGuest(id);
      life.point(`run a program in ${id}`);
      if (!life.isAlive) return never();
      machine.tell({ do: 'guest-ran', guestId: id, command });
      return simulatedShell(guest, life.clock, Math.max(20, machine.weather.delayMs('run'))).run(command, tty);
    },
    console: async (id) => simulatedShell(runningGuest(id), life.clock, 0).console(),
    watch(changed) {
      const watcher = (id: number) => {
        if (life.isAlive && machine.running.get(id)?.type !== (type === 'vm' ? 'container' : 'vm')) changed(id);
      };
      machine.guestWatchers.add(watcher);
      return () => machine.guestWatchers.delete(watcher);
    },
    leave() {},
  };
}

/** Settings of the definition that count from the next start on. */
function needsRestart(guest: RunningGuest, defined: RunningGuest['spec']): string[] {
  return (['memoryBytes', 'cores'] as const).filter((setting) => guest.spec[setting] !== defined[setting]);
}
