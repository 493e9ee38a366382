import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '@drover/shared/lib/clock';
import { RunEnd } from '@drover/shared/model/guest';
import { z } from 'zod';
import { createParsedFiles, readTextIfThere, removeFileDurably, writeFileDurably } from '../../host/durable-file.ts';
import { isFull } from '../../host/file-problem.ts';
import type { EndCause, LastRun } from './driver.ts';

/** run.json in the guest's folder: the last run, and the boot of the host in which it began. */
const RunFile = z.strictObject({
  v: z.literal(1),
  bootId: z.string(),
  powerRequest: z.number().int(),
  startedAtMs: z.number().int(),
  endedAtMs: z.number().int().nullable(),
  end: RunEnd.nullable(),
  crashes: z.number().int().min(0),
  /** Somebody asked for its end: however it comes now, it is no crash. */
  asked: z.boolean(),
  /** It was we who asked, as the host goes down. Left out where it is not so: an agent of before would not read the file. */
  hostGoesDown: z.literal(true).optional(),
  /** Its start has not been seen to succeed: an agent that died meanwhile may never have come to it, so its absence is no crash. */
  starting: z.boolean().default(false),
});
type RunFile = z.infer<typeof RunFile>;

/** After this long a run counts as good, and earlier crashes are forgotten. */
export const STEADY_RUN_MS = 600_000;

export interface RunRecords {
  /** Starts the guest by `launch`, recorded before. Crashes go on counting for the same request. When it throws, there was no run. */
  start(folder: string, powerRequest: number, launch: () => Promise<void>): Promise<void>;
  /** A new run of a guest that runs already. */
  begin(folder: string, powerRequest: number): void;
  /** The guest runs already, and now for this request as well (somebody asked to start what was running). */
  adopt(folder: string, powerRequest: number): void;
  /** Before the guest is asked or made to end: its end is then `cause`, even if the agent does not live to see it. Who asked first counts. */
  ask(folder: string, cause?: EndCause): void;
  /** What was asked for did not come to pass, and the guest goes on. */
  unask(folder: string): void;
  /** The run is over; the first end that is recorded stays. */
  end(folder: string, how: RunEnd): void;
  /** The last run, settled: one of an earlier boot ended with its host; one whose process is gone crashed, unless its end was asked for or its start is not known to have succeeded. */
  read(folder: string, isRunning: boolean): LastRun | null;
  remove(folder: string): void;
}

export function createRunRecords(clock: Clock, bootId: string = readBootId()): RunRecords {
  const files = createParsedFiles<RunFile | null>();
  /** What did not fit on a full disk: a guest must be ended, and its disks removed, to make room. Written once there is some. */
  const unwritten = new Map<string, RunFile>();

  function load(folder: string): RunFile | null {
    return unwritten.get(folder) ?? files(pathOf(folder), () => parseRunFile(readTextIfThere(pathOf(folder))));
  }

  // A start, and an end that was asked for, are not flushed to disk: were they lost, the host went down, and what is left leads to the same decisions.
  function save(folder: string, file: RunFile, flush: boolean): void {
    try {
      writeFileDurably(pathOf(folder), `${JSON.stringify(file)}\n`, { flush });
      unwritten.delete(folder);
    } catch (thrown) {
      if (!isFull(thrown)) throw thrown;
      unwritten.set(folder, file);
    }
  }

  const saveEnd = (folder: string, file: RunFile): void => save(folder, file, file.end !== null && file.end !== 'asked');

  function finish(file: RunFile, end: RunEnd, endedAtMs: number): RunFile {
    const steady = endedAtMs - file.startedAtMs >= STEADY_RUN_MS;
    const crashes = (steady ? 0 : file.crashes) + (end === 'crash' ? 1 : 0);
    return { ...file, end, endedAtMs, crashes };
  }

  function settled(file: RunFile, isRunning: boolean): RunFile {
    if (file.end !== null) return file;
    if (isRunning) return file.starting ? { ...file, starting: false } : file;
    if (file.bootId === bootId && file.starting && !file.asked) return file;
    if (file.bootId === bootId) return finish(file, askedEnd(file) ?? 'crash', clock.now());
    const bootedAtMs = Math.round(clock.now() - uptime() * 1_000);
    return finish(file, 'host', Math.max(bootedAtMs, file.startedAtMs));
  }

  function next(folder: string, powerRequest: number): { readonly last: RunFile | null; readonly run: RunFile } {
    const before = load(folder);
    const last = before === null ? null : settled(before, false);
    const crashes = last?.powerRequest === powerRequest ? last.crashes : 0;
    const about = { v: 1, bootId, powerRequest, startedAtMs: clock.now(), endedAtMs: null, end: null } as const;
    return { last, run: { ...about, crashes, asked: false, starting: false } };
  }

  return {
    async start(folder, powerRequest, launch) {
      const { last, run } = next(folder, powerRequest);
      save(folder, { ...run, starting: true }, false);
      try {
        await launch();
      } catch (error) {
        if (last === null) this.remove(folder);
        else save(folder, last, true);
        throw error;
      }
      const file = load(folder);
      if (file?.starting) save(folder, { ...file, starting: false }, false);
    },
    begin(folder, powerRequest) {
      save(folder, next(folder, powerRequest).run, false);
    },
    adopt(folder, powerRequest) {
      const file = load(folder);
      if (file === null || file.end !== null) this.begin(folder, powerRequest);
      else if (file.powerRequest !== powerRequest) save(folder, { ...unasked(file), powerRequest, crashes: 0 }, true);
    },
    ask(folder, cause = 'asked') {
      const file = load(folder);
      if (file === null || file.end !== null || file.asked) return;
      save(folder, { ...file, asked: true, ...(cause === 'host' ? { hostGoesDown: true } : {}) }, false);
    },
    unask(folder) {
      const file = load(folder);
      if (file !== null && file.end === null && file.asked) save(folder, unasked(file), false);
    },
    end(folder, how) {
      const file = load(folder);
      if (file !== null && file.end === null) saveEnd(folder, finish(file, askedEnd(file) ?? how, clock.now()));
    },
    read(folder, isRunning) {
      const file = load(folder);
      if (file === null) return null;
      const now = settled(file, isRunning);
      if (now !== file || unwritten.has(folder)) saveEnd(folder, now);
      const steady = now.end === null && clock.now() - now.startedAtMs >= STEADY_RUN_MS;
      const { powerRequest, startedAtMs, endedAtMs, end } = now;
      return { powerRequest, startedAtMs, endedAtMs, end, crashes: steady ? 0 : now.crashes };
    },
    remove(folder) {
      unwritten.delete(folder);
      removeFileDurably(pathOf(folder));
    },
  };
}

/** How a run ends that we asked to end; null: nobody has. */
function askedEnd({ asked, hostGoesDown }: RunFile): EndCause | null {
  if (!asked) return null;
  return hostGoesDown ? 'host' : 'asked';
}

function unasked({ hostGoesDown: _no, ...file }: RunFile): RunFile {
  return { ...file, asked: false };
}

const pathOf = (folder: string): string => join(folder, 'run.json');

function readBootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

function parseRunFile(text: string | null): RunFile | null {
  if (text === null) return null;
  try {
    return RunFile.parse(JSON.parse(text));
  } catch {
    // A record of the past that cannot be read is no record; the next run writes a new one.
    return null;
  }
}
