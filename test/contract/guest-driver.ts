import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { realClock } from '@drover/shared/lib/clock';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { definitionDigest } from '../../agent/src/core/definition.ts';
import type { GuestDefinition, GuestDriver, ObservedGuest } from '../../agent/src/drivers/guest/driver.ts';
import type { Stream } from '../../agent/src/drivers/stream.ts';

/** What a test of a guest driver brings along: real guests, small and quick to start. */
export interface GuestDriverWorld {
  /** A driver as a freshly started agent has it. */
  createDriver(): GuestDriver;
  /** The guest of the tests, its disks made: root disk from an image, one NIC. The same folder each time. */
  readonly definition: GuestDefinition;
  /** Ends the guest's process behind the driver's back. */
  crash(id: number): Promise<void>;
  /** Resolves once the guest has powered itself off, without asking a driver. */
  waitUntilOff(id: number): Promise<void>;
  /** Everything that runs or lies about outside of the guest's own folder because of it: processes, devices, files. */
  traces(id: number): Promise<readonly string[]>;
  close(): Promise<void>;
}

export interface GuestDriverContract {
  readonly create: () => Promise<GuestDriverWorld>;
  /** Run in the guest, it powers the guest off. */
  readonly powerOff: readonly string[];
  /** A change of memory counts at once, or from the next start on. */
  readonly memoryChange: 'at-once' | 'next-start';
  /** Typed on the console once the guest is up, it must answer to. */
  readonly consolePrompt: string;
  /** Each console is a shell of its own (containers), not one port that all look at (VMs). */
  readonly separateConsoles?: boolean;
  /** Guarantees that this driver cannot give, by name, each with the reason. */
  readonly excused?: Readonly<Record<string, string>>;
}

const never = new AbortController().signal;

/** The specification of a guest driver: whatever passes may be plugged in. */
export function describeGuestDriver(name: string, contract: GuestDriverContract): void {
  describe(`guest driver ${name}`, () => {
    const guarantees = new Set<string>();
    const test = (guarantee: string, run: () => Promise<void>) => {
      guarantees.add(guarantee);
      if (contract.excused?.[guarantee] === undefined) it(guarantee, run);
    };
    let world: GuestDriverWorld;
    let driver: GuestDriver;
    let wish: GuestDefinition;
    let folder: string;
    let id: number;

    beforeAll(async () => {
      world = await contract.create();
      driver = world.createDriver();
      wish = world.definition;
      folder = wish.places.folder;
      id = wish.id;
    }, 300_000);

    afterAll(async () => {
      await driver?.stop(id, folder, never).catch(() => {});
      await world?.close();
    }, 60_000);

    const observe = () => driver.observe(id, folder);
    const asked = (powerRequest: number): GuestDefinition => ({ ...wish, spec: { ...wish.spec, power: 'running', powerRequest } });
    const takeOver = () => {
      driver.leave();
      driver = world.createDriver();
    };
    const run = async (...command: string[]) => finish(await whenUp(() => driver.exec(id, folder, command, false)));

    test('says what it is, which type of guest it runs and that it works here', async () => {
      expect(await driver.probe()).toMatchObject({
        port: 'guest',
        name: driver.name,
        usable: true,
        capabilities: { type: driver.type },
      });
    });

    test('knows nothing of a guest that was never defined, and ending or removing it is done already', async () => {
      expect(await observe()).toBeNull();
      await driver.shutdown(id, folder, never);
      await driver.stop(id, folder, never);
      await driver.remove(id, folder, never);
      expect(await observe()).toBeNull();
      expect(await driver.list([folder])).not.toContain(id);
    });

    test('a defined guest is observed as it was wished, and does not run', async () => {
      await driver.define(wish, never);
      await driver.define(wish, never);
      expect(await observe()).toEqual({
        id,
        type: driver.type,
        applied: { spec: wish.spec, digest: definitionDigest(wish.spec) },
        running: false,
        lastRun: null,
        needsRestart: [],
        paused: null,
        accelerator: null,
      } satisfies ObservedGuest);
      expect(await driver.list([folder])).toContain(id);
    });

    test('a definition that is torn counts as none, and defining again mends it', async () => {
      writeFileSync(join(folder, 'guest.json'), '{"v":1,"id":');
      expect((await observe())?.applied ?? null).toBeNull();
      await driver.define(wish, never);
      expect((await observe())?.applied?.digest).toBe(definitionDigest(wish.spec));
    });

    test('a started guest runs when start returns, and starting it again changes nothing', async () => {
      await driver.start(asked(1), never);
      const first = await observe();
      expect(first).toMatchObject({ running: true, lastRun: { powerRequest: 1, end: null, endedAtMs: null, crashes: 0 } });
      await driver.start(asked(1), never);
      expect(await observe()).toEqual(first);
    });

    test('a running guest can be measured, also by an agent that did not start it, and one that ended cannot', async () => {
      const gauge = driver.gauge?.(id);
      expect(gauge).toMatchObject({ id, type: driver.type, pid: expect.any(Number), startTicks: expect.any(Number) });
      expect(gauge?.wires).toHaveLength(wish.spec.nics.length);
      takeOver();
      await observe();
      expect(driver.gauge?.(id)).toEqual(gauge);
    });

    test('programs run in the guest and their output, input and exit code come through', async () => {
      expect(await run('sh', '-c', 'echo out; echo err >&2; exit 7')).toEqual({ code: 7, stdout: 'out\n', stderr: 'err\n' });
      const fed = await driver.exec(id, folder, ['cat'], false);
      fed.write(Buffer.from('some input\n'));
      fed.endInput();
      expect(await finish(fed)).toEqual({ code: 0, stdout: 'some input\n', stderr: '' });
      expect((await run('/no/such/program')).code).toBe(127);
      const odd = ['', '-n', 'a b', '"\'$(x)', 'ü\n,'];
      expect((await run('printf', '[%s]', ...odd)).stdout).toBe(odd.map((word) => `[${word}]`).join(''));
    });

    test('a program that is closed is ended', async () => {
      const long = await driver.exec(id, folder, ['sh', '-c', 'echo $$ > /tmp/pid; exec sleep 1000'], false);
      long.endInput();
      await until('the program to begin', async () => (await run('cat', '/tmp/pid')).code === 0);
      const { stdout } = await run('cat', '/tmp/pid');
      long.close();
      await long.ended;
      await until('the program to end', async () => (await run('kill', '-0', stdout.trim())).code !== 0);
    });

    test('the console answers to what is typed, for two people at once, and closing one leaves the other', async () => {
      const first = await driver.console(id, folder);
      const second = await driver.console(id, folder);
      const seen = [collect(first), collect(second)];
      const typed = Buffer.from(`${contract.consolePrompt}echo dro''ver-$((6*7))\n`);
      first.write(typed);
      if (contract.separateConsoles) second.write(typed);
      await until('the answer', () => first !== null && seen.every((text) => text().includes('drover-42')));
      first.close();
      expect(await first.ended).toEqual({ code: 0 });
      second.write(Buffer.from(`echo still-$((6*8))\n`));
      await until('the answer', () => seen[1]?.().includes('still-48') ?? false);
      second.close();
    });

    test('an agent that restarts finds the guest running, and does not start it twice', async () => {
      const before = await observe();
      takeOver();
      expect(await observe()).toEqual(before);
      takeOver();
      await driver.start(asked(1), never);
      expect(await observe()).toEqual(before);
      expect((await run('true')).code).toBe(0);
      expect(await driver.list([])).toContain(id);
    });

    test('asking to start what runs is remembered as the newer request', async () => {
      await driver.start(asked(2), never);
      expect(await observe()).toMatchObject({ running: true, lastRun: { powerRequest: 2 } });
    });

    test('a change of settings says whether it counts yet', async () => {
      const bigger = { ...wish, spec: { ...wish.spec, memoryBytes: wish.spec.memoryBytes * 2 } };
      await driver.define(bigger, never);
      expect((await observe())?.needsRestart).toEqual(contract.memoryChange === 'at-once' ? [] : ['memoryBytes']);
      await driver.define(wish, never);
      expect((await observe())?.needsRestart).toEqual([]);
    });

    test('a running guest is not removed', async () => {
      await expect(driver.remove(id, folder, never)).rejects.toMatchObject({ code: 'wrong-state' });
      expect(await observe()).toMatchObject({ running: true });
    });

    test('a crash is noticed, told, and counted for as long as nobody asks anew', async () => {
      const told = new Set<number>();
      const unwatch = driver.watch((changed) => told.add(changed));
      await world.crash(id);
      await until('the crash to be told', () => told.has(id));
      unwatch();
      await untilEnded(observe);
      expect((await observe())?.lastRun).toMatchObject({ powerRequest: 2, end: 'crash', crashes: 1 });
      await driver.start(asked(2), never);
      expect((await observe())?.lastRun).toMatchObject({ end: null, crashes: 1 });
      await world.crash(id);
      await untilEnded(observe);
      expect((await observe())?.lastRun).toMatchObject({ end: 'crash', crashes: 2 });
      await driver.start(asked(3), never);
      expect((await observe())?.lastRun).toMatchObject({ powerRequest: 3, end: null, crashes: 0 });
    });

    test('a crash while the agent is away is found as a crash', async () => {
      driver.leave();
      await world.crash(id);
      driver = world.createDriver();
      // A process that was killed may take a moment to go.
      await untilEnded(observe);
      expect(await observe()).toMatchObject({ running: false, lastRun: { end: 'crash', crashes: 1 } });
    });

    test('a guest that powers itself off is told and stays off', async () => {
      await driver.start(asked(4), never);
      await powerOff('0.2');
      await untilEnded(observe);
      expect((await observe())?.lastRun).toMatchObject({ powerRequest: 4, end: 'self', crashes: 0 });
    });

    test('a guest that powers itself off while the agent is away is found to have done so', async () => {
      await driver.start(asked(5), never);
      await powerOff('1');
      driver.leave();
      await world.waitUntilOff(id);
      driver = world.createDriver();
      await untilEnded(observe);
      expect((await observe())?.lastRun).toMatchObject({ powerRequest: 5, end: 'self' });
    });

    test('a guest that is asked to shut down does, and its end counts as asked, also when the agent is away by then', async () => {
      await driver.start(asked(6), never);
      await run('true');
      await driver.shutdown(id, folder, never);
      await driver.shutdown(id, folder, never);
      takeOver();
      await untilEnded(observe);
      expect((await observe())?.lastRun).toMatchObject({ powerRequest: 6, end: 'asked' });
    });

    test('a reboot ends one run and begins another: politely, by force, and of a guest that is off', async () => {
      for (const force of [false, false, true]) {
        const before = await observe();
        await driver.reboot(asked(7), force, never);
        expect(await isMarked()).toBe(false);
        expect((await observe())?.lastRun?.startedAtMs).not.toBe(before?.lastRun?.startedAtMs);
        await run('sh', '-c', 'sleep 54321 >/dev/null 2>&1 &');
        expect(await isMarked()).toBe(true);
      }
      expect(await observe()).toMatchObject({ running: true, lastRun: { powerRequest: 7, end: null, crashes: 0 } });
    });

    test('a reboot that is called off half-way: the guest that then ends was asked to, and starts again when it is wished for', async () => {
      const bare: GuestDefinition = { ...asked(7), spec: { ...asked(7).spec, nics: [] }, places: { ...wish.places, nics: [] } };
      await driver.define(bare, never);
      const calledOff = new AbortController();
      const reboot = driver.reboot(bare, false, calledOff.signal);
      const isAsked = () => JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8')).asked === true;
      const settled = reboot.then(
        () => 'rebooted',
        () => 'called off',
      );
      await until('the guest to be asked', isAsked);
      calledOff.abort();
      expect(await settled).toBe('called off');
      await untilEnded(observe);
      expect((await observe())?.lastRun).toMatchObject({ powerRequest: 7, end: 'asked' });
      await driver.define(wish, never);
      await driver.start(asked(7), never);
    });

    test('a stopped guest is gone when stop returns, its end counts as asked, and stopping again is done already', async () => {
      await driver.stop(id, folder, never);
      expect(await observe()).toMatchObject({ running: false, needsRestart: [], lastRun: { powerRequest: 7, end: 'asked' } });
      expect(driver.gauge?.(id)).toBeNull();
      await driver.stop(id, folder, never);
      await untilNoTraces();
      await expect(driver.exec(id, folder, ['true'], false)).rejects.toMatchObject({ code: 'wrong-state' });
      await expect(driver.console(id, folder)).rejects.toMatchObject({ code: 'wrong-state' });
    });

    test('a start that fails says why and leaves nothing running', async () => {
      const broken = asked(8);
      const disks = broken.places.disks.map((disk) => ({ ...disk, path: `${disk.path}.missing` }));
      await expect(driver.start({ ...broken, places: { ...broken.places, disks } }, never)).rejects.toMatchObject({ name: 'Problem' });
      expect(await observe()).toMatchObject({ running: false, lastRun: { powerRequest: 7, end: 'asked' } });
      expect(await world.traces(id)).toEqual([]);
    });

    test('a guest that we end because the host goes down has gone down with it', async () => {
      await driver.start(asked(9), never);
      await driver.shutdown(id, folder, never, 'host');
      await driver.stop(id, folder, never, 'host');
      expect(await observe()).toMatchObject({ running: false, lastRun: { powerRequest: 9, end: 'host', crashes: 0 } });
      await untilNoTraces();
    });

    test('a removed guest leaves nothing but its disks', async () => {
      await driver.remove(id, folder, never);
      await driver.remove(id, folder, never);
      expect(await observe()).toBeNull();
      expect(await world.traces(id)).toEqual([]);
      const disks = new Set(wish.places.disks.map((disk) => disk.path));
      expect(readdirSync(folder).filter((entry) => ![...disks].some((path) => path.startsWith(join(folder, entry))))).toEqual([]);
    });

    it('is excused from nothing but what the contract holds', () => {
      expect(Object.keys(contract.excused ?? {}).filter((guarantee) => !guarantees.has(guarantee))).toEqual([]);
    });

    async function untilNoTraces(): Promise<void> {
      let traces = await world.traces(id);
      for (let tries = 0; tries < 100 && traces.length > 0; tries += 1) {
        await realClock.sleep(20);
        traces = await world.traces(id);
      }
      expect(traces).toEqual([]);
    }

    async function powerOff(delay = '0'): Promise<void> {
      await run('sh', '-c', 'delay=$1; shift; (sleep $delay; exec "$@") >/dev/null 2>&1 &', 'sh', delay, ...contract.powerOff);
    }

    /** Is the process there that the test left running in the guest? */
    const isMarked = async () => (await run('sh', '-c', 'grep -l 5432[1] /proc/[0-9]*/cmdline 2>/dev/null')).stdout !== '';
  });
}

const untilEnded = (observe: () => Promise<ObservedGuest | null>) =>
  until('the guest to end', async () => (await observe())?.running === false);

async function until(what: string, holds: () => boolean | Promise<boolean>, deadlineMs = 90_000): Promise<void> {
  const deadline = realClock.now() + deadlineMs;
  while (!(await holds())) {
    if (realClock.now() > deadline) throw new Error(`waited ${deadlineMs / 1_000} s for ${what}`);
    await realClock.sleep(20);
  }
}

/** A guest that was just started cannot run programs yet. */
async function whenUp(exec: () => Promise<Stream>): Promise<Stream> {
  const deadline = realClock.now() + 90_000;
  for (;;) {
    try {
      return await exec();
    } catch (error) {
      if (realClock.now() > deadline) throw error;
      await realClock.sleep(50);
    }
  }
}

async function finish(stream: Stream): Promise<{ code: number; stdout: string; stderr: string }> {
  const text = { stdout: '', stderr: '' };
  stream.onOutput((channel, bytes) => {
    text[channel] += Buffer.from(bytes).toString();
  });
  stream.endInput();
  const { code } = await stream.ended;
  return { code, ...text };
}

function collect(stream: Stream): () => string {
  let text = '';
  stream.onOutput((_channel, bytes) => {
    text += Buffer.from(bytes).toString();
  });
  return () => text;
}
