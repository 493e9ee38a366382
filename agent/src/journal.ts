import { canonicalJson, digest } from '@drover/shared/lib/digest';
import { ProblemView } from '@drover/shared/lib/problem';
import { Resource, type ResourceRef, refKey } from '@drover/shared/model/resource';
import { z } from 'zod';
import type { Disk } from './host/disk.ts';

/** What became of a task that acts once: begun is on disk before it acts, result before it is reported. */
export const TaskRecord = z.object({
  begunAtMs: z.number().int(),
  result: z
    .object({
      state: z.enum(['done', 'failed', 'cancelled']),
      value: z.record(z.string(), z.unknown()).optional(),
      problem: ProblemView.optional(),
      atMs: z.number().int(),
    })
    .optional(),
});
export type TaskRecord = z.infer<typeof TaskRecord>;

const Entry = z.object({
  resource: Resource,
  digest: z.string(),
  /** Of the command that brought it. */
  counter: z.number().int().optional(),
  task: TaskRecord.optional(),
  /** Nothing of it is left here. Remembered for a while, so that a command that was held up on its way does not make it anew. */
  goneAtMs: z.number().int().optional(),
});
export type Entry = z.infer<typeof Entry>;

const Counters = z.object({ boot: z.number().int(), hostBootId: z.string(), command: z.number().int().default(0) });

export type Acceptance = 'accepted' | 'known' | 'older' | 'contradicts';

const COUNTERS = 'counters.json';
/** Finished tasks are remembered this long, so that a command that comes again is not run again. */
const TASKS_KEPT_MS = 7 * 24 * 3_600_000;
/** Many times longer than a command is valid. */
const GONE_KEPT_MS = 24 * 3_600_000;

/** The digest of what a resource wishes: spec and tombstone, not its generation. */
export const digestOf = (resource: Pick<Resource, 'spec' | 'deletion'>): string =>
  digest({ spec: resource.spec, deletion: resource.deletion });

/**
 * The agent's durable record: the newest wish per resource, what became of tasks, and the boot counter. One file each,
 * so that a damaged one is set aside without stopping the rest. It never says what is running: the host itself does.
 */
export class Journal {
  readonly #entries = new Map<string, Entry>();
  /** Damaged files that were set aside at opening. */
  readonly quarantined: string[] = [];
  #boot: number;
  /** The highest counter of a command that was journalled when this agent started. */
  readonly newestCounter: number;
  /** The host itself has booted since the agent last ran. */
  readonly hostBooted: boolean;

  constructor(
    private readonly disk: Disk,
    private readonly folder: string,
    private readonly hostBootId: string,
    nowMs: number,
  ) {
    for (const name of disk.list(folder)) if (name.endsWith('.json') && name !== COUNTERS) this.#load(name);
    const counters = this.#parse(COUNTERS, Counters);
    this.#boot = (counters?.boot ?? 0) + 1;
    this.hostBooted = counters !== null && counters.hostBootId !== hostBootId;
    this.newestCounter = Math.max(counters?.command ?? 0, ...[...this.#entries.values()].map(({ counter }) => counter ?? 0));
    this.#writeCounters();
    this.trim(nowMs);
  }

  /** Starts of this agent, this one included. */
  get boot(): number {
    return this.#boot;
  }

  /**
   * It counts from too low, and so is an older copy, restored: what was wished since is not in it, and what was deleted since is. All
   * of it is forgotten, and the control plane sends its wishes again; what was done remains so. Of a count that was damaged nothing follows.
   */
  stepAbove(boot: number): void {
    const isOlderCopy = !this.quarantined.includes(COUNTERS);
    for (const entry of isOlderCopy ? this.all() : []) if (!entry.task) this.#forget(entry.resource);
    this.#boot = boot + 1;
    this.#writeCounters();
  }

  /** Everything that is wished here; without what is gone. */
  all(): readonly Entry[] {
    return [...this.#entries.values()].filter((entry) => entry.goneAtMs === undefined);
  }

  /** Also what is gone, as long as that is remembered. */
  get(ref: ResourceRef): Entry | null {
    return this.#entries.get(refKey(ref)) ?? null;
  }

  /** Forgets tasks long finished, and what is long gone. */
  trim(nowMs: number): void {
    for (const entry of this.#entries.values()) {
      const isOldTask = entry.task?.result && entry.task.result.atMs < nowMs - TASKS_KEPT_MS;
      const isLongGone = entry.goneAtMs !== undefined && entry.goneAtMs < nowMs - GONE_KEPT_MS;
      if (isOldTask || isLongGone) this.#forget(entry.resource);
    }
  }

  /** Takes a newer wish, durably before it returns. Older ones and repetitions change nothing. */
  accept(resource: Resource, counter?: number): Acceptance {
    const known = this.get(resource);
    const incoming = digestOf(resource);
    if (known && resource.generation < known.resource.generation) return 'older';
    if (known && resource.generation === known.resource.generation) return known.digest === incoming ? 'known' : 'contradicts';
    const brought = counter === undefined ? {} : { counter };
    this.#keep({ resource, digest: incoming, ...brought, ...(known?.task ? { task: known.task } : {}) });
    return 'accepted';
  }

  recordTask(ref: ResourceRef, task: TaskRecord): void {
    const entry = this.get(ref);
    if (entry) this.#keep({ ...entry, task });
  }

  /** A tombstone was carried out. */
  recordGone(ref: ResourceRef, nowMs: number): void {
    const entry = this.get(ref);
    if (entry) this.#keep({ ...entry, goneAtMs: nowMs });
  }

  #writeCounters(): void {
    this.#write(COUNTERS, { boot: this.#boot, hostBootId: this.hostBootId, command: this.newestCounter });
  }

  #forget(ref: ResourceRef): void {
    this.#entries.delete(refKey(ref));
    this.disk.remove(`${this.folder}/${fileOf(ref)}`);
  }

  #keep(entry: Entry): void {
    this.#write(fileOf(entry.resource), entry);
    this.#entries.set(refKey(entry.resource), entry);
  }

  #load(name: string): void {
    const entry = this.#parse(name, Entry);
    if (entry && fileOf(entry.resource) === name) this.#entries.set(refKey(entry.resource), entry);
  }

  /** Files carry their own digest: bit rot and torn writes are found, and the file is set aside for a person to look at. */
  #parse<T>(name: string, schema: z.ZodType<T>): T | null {
    const path = `${this.folder}/${name}`;
    const text = this.disk.read(path);
    if (text === null) return null;
    const body = bodyOf(text, schema);
    if (body !== null) return body;
    this.disk.rename(path, `${path}.damaged`);
    this.quarantined.push(name);
    return null;
  }

  #write(name: string, body: unknown): void {
    this.disk.writeAtomically(`${this.folder}/${name}`, `${digest(body)}\n${canonicalJson(body)}`);
  }
}

/** Names of files in a journal that cannot be read. Only looks: the agent that it belongs to may be running. */
export function damagedFiles(disk: Disk, folder: string): string[] {
  return disk.list(folder).filter((name) => {
    if (!name.endsWith('.json')) return name.endsWith('.damaged');
    const text = disk.read(`${folder}/${name}`);
    // It went between the two looks.
    return text !== null && (name === COUNTERS ? bodyOf(text, Counters) : bodyOf(text, Entry)) === null;
  });
}

/** What a file of the journal says; null when it is not as it was written. */
function bodyOf<T>(text: string, schema: z.ZodType<T>): T | null {
  const newline = text.indexOf('\n');
  try {
    const body: unknown = JSON.parse(text.slice(newline + 1));
    return text.slice(0, newline) === digest(body) ? schema.parse(body) : null;
  } catch {
    return null;
  }
}

const fileOf = (ref: ResourceRef): string => `${ref.kind}-${ref.id}.json`;
