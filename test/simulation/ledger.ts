import { canonicalJson } from '@drover/shared/lib/digest';
import { type Deletion, type ResourceRef, refKey } from '@drover/shared/model/resource';
import type { Change, WishWrite } from '../../control-plane/src/core/change.ts';

/** A wish as it was committed last. */
export interface Entry {
  readonly wish: WishWrite;
  /** What is wished, as text: two that wish the same have the same. */
  readonly content: string;
  applied: number;
}

/** A second book of all that was committed, kept by the simplest means there are: what the database must hold, and what was ever allowed. */
export class Ledger {
  /** What must be there now. */
  entries = new Map<string, Entry>();
  hosts = new Map<string, { boot: number; sequence: number }>();
  /** Grows when the database is replaced: what was written before may never have been. */
  history = 1;
  /** Never forgotten, whatever becomes of the database. */
  readonly tombstones = new Map<string, Set<string>>();
  readonly wishesEver = new Map<string, WishWrite[]>();
  readonly #writes = new Set<unknown>();

  /** Takes in what was just committed. */
  commit(change: Change): void {
    if (change.wishes) this.#writes.add(change.wishes);
    if (change.newTasks) this.#writes.add(change.newTasks);
    for (const ref of change.removals ?? []) this.entries.delete(refKey(ref));
    for (const wish of change.wishes ?? []) this.#wish(wish);
    for (const { kind, id, appliedGeneration } of change.observations ?? []) {
      const entry = this.entries.get(refKey({ kind, id }));
      if (entry) entry.applied = appliedGeneration;
    }
    for (const { id, boot, sequence } of change.hosts ?? []) {
      const before = this.hosts.get(id) ?? { boot: 0, sequence: 0 };
      this.hosts.set(id, { boot: boot ?? before.boot, sequence: sequence ?? before.sequence });
    }
  }

  /** Was exactly this (the very object that a decision made) written? */
  wrote(part: Change['wishes'] | Change['newTasks']): boolean {
    return part !== undefined && this.#writes.has(part);
  }

  /** May the host destroy this? Only what a tombstone listed. */
  mayDestroy(ref: ResourceRef, what: string): boolean {
    return this.tombstones.get(refKey(ref))?.has(what) ?? false;
  }

  /** For a backup, and for what the database is after it was restored. */
  copy(): Pick<Ledger, 'entries' | 'hosts'> {
    return {
      entries: new Map([...this.entries].map(([key, entry]) => [key, { ...entry }])),
      hosts: new Map([...this.hosts].map(([id, host]) => [id, { ...host }])),
    };
  }

  restore(backup: Pick<Ledger, 'entries' | 'hosts'>): void {
    const { entries, hosts } = backup;
    this.history += 1;
    this.entries = new Map([...entries].map(([key, entry]) => [key, { ...entry }]));
    this.hosts = new Map([...hosts].map(([id, host]) => [id, { ...host }]));
  }

  #wish(wish: WishWrite): void {
    const key = refKey(wish);
    const before = this.entries.get(key);
    this.entries.set(key, { wish, content: contentOfWrite(wish), applied: before?.applied ?? 0 });
    this.wishesEver.set(key, [...(this.wishesEver.get(key) ?? []), wish]);
    if (wish.deletion) this.#tombstone(key, wish.deletion);
  }

  #tombstone(key: string, deletion: Deletion): void {
    const listed = this.tombstones.get(key) ?? new Set();
    for (const what of deletion.destroys) listed.add(what);
    this.tombstones.set(key, listed);
  }
}

export const contentOfWrite = ({ spec, deletion }: Pick<WishWrite, 'spec' | 'deletion'>): string => canonicalJson({ spec, deletion });
