import type { Resource, ResourceRef } from '@drover/shared/model/resource';
import { SPEC_SCHEMAS } from '@drover/shared/model/spec';
import type { Disk } from '../../../agent/src/host/disk.ts';
import { type Acceptance, digestOf, type Entry, Journal, type TaskRecord } from '../../../agent/src/journal.ts';
import type { AgentParts, SimulatedHost } from '../simulated-host.ts';
import type { Mutant } from './mutant.ts';

const LONG_MS = 25 * 3_600_000;

class TrustingJournal extends Journal {
  override accept(resource: Resource, counter?: number): Acceptance {
    const known = this.get(resource);
    if (known && resource.generation < known.resource.generation) forgetAtOnce(this, resource);
    return super.accept(resource, counter);
  }
}

class ForgetfulJournal extends Journal {
  override recordGone(ref: ResourceRef): void {
    super.recordGone(ref, 0);
    this.trim(LONG_MS);
  }
}

class StubbornJournal extends Journal {
  override accept(resource: Resource, counter?: number): Acceptance {
    return resource.deletion ? 'known' : super.accept(resource, counter);
  }
}

class CarelessJournal extends Journal {
  override recordTask(ref: ResourceRef, task: TaskRecord): void {
    if (task.result) super.recordTask(ref, task);
  }
}

class GullibleJournal extends Journal {
  override accept(resource: Resource, counter?: number): Acceptance {
    const known = this.get(resource);
    const isOther = known?.resource.generation === resource.generation && known.digest !== digestOf(resource);
    if (isOther && !known.task) forgetAtOnce(this, resource);
    return super.accept(resource, counter);
  }
}

class ResultlessJournal extends Journal {
  override recordTask(ref: ResourceRef, task: TaskRecord): void {
    if (!task.result) super.recordTask(ref, task);
  }
}

class LenientJournal extends Journal {
  override get(ref: ResourceRef): Entry | null {
    const entry = super.get(ref);
    return entry && withoutUnknown(entry);
  }
  override all(): readonly Entry[] {
    return super.all().map(withoutUnknown);
  }
}

/** Its wish, as far as it is understood. */
function withoutUnknown(entry: Entry): Entry {
  const { kind, spec } = entry.resource;
  const issues = SPEC_SCHEMAS[kind].safeParse(spec).error?.issues ?? [];
  const unknown = new Set(issues.flatMap((issue) => (issue.code === 'unrecognized_keys' ? issue.keys : [])));
  if (unknown.size === 0) return entry;
  const known = Object.fromEntries(Object.entries(spec).filter(([name]) => !unknown.has(name)));
  return { ...entry, resource: { ...entry.resource, spec: known } };
}

function forgetAtOnce(journal: Journal, ref: ResourceRef): void {
  journal.recordGone(ref, 0);
  journal.trim(LONG_MS);
}

const opened =
  (Kind: typeof TrustingJournal): AgentParts['journal'] =>
  (disk, folder, hostBootId, nowMs) =>
    new Kind(disk, folder, hostBootId, nowMs);

/** What was written lately is lost in a power cut, as without fsync. */
function lazyDisk(disk: Disk, host: SimulatedHost): Disk {
  return {
    ...disk,
    writeAtomically(path, text) {
      const before = disk.read(path);
      disk.writeAtomically(path, text);
      host.disk.unflushed.push({ path, text: before, atMs: host.machine.clock.now() });
    },
  };
}

export const JOURNAL_MUTANTS: readonly Mutant[] = [
  {
    name: 'the journal forgets to sync',
    rule: '4: newer is journalled, durably',
    scenario: 'power-cut',
    agent: () => ({ disk: lazyDisk }),
  },
  {
    name: 'an older generation is accepted',
    rule: '4: older is ignored',
    scenario: 'restored-from-yesterday',
    agent: () => ({ journal: opened(TrustingJournal) }),
  },
  {
    name: 'a tombstone is forgotten once it was carried out',
    rule: '4: older is ignored',
    from: 1,
    agent: () => ({ journal: opened(ForgetfulJournal) }),
  },
  {
    name: 'tombstones are ignored',
    rule: '6: a tombstone removes',
    scenario: 'killed-in-the-middle',
    agent: () => ({ journal: opened(StubbornJournal) }),
  },
  {
    name: 'a task is begun before that is written down',
    rule: '12: begun is journalled before acting',
    scenario: 'killed-in-the-middle',
    agent: () => ({ journal: opened(CarelessJournal) }),
  },
  {
    name: 'what became of a task is not written down',
    rule: '12: the result is journalled before it is reported',
    scenario: 'killed-in-the-middle',
    agent: () => ({ journal: opened(ResultlessJournal) }),
  },
  {
    name: 'a part of a wish that is not understood is left out',
    rule: '17: a wish is read strictly',
    scenario: 'releases-apart',
    agent: () => ({ journal: opened(LenientJournal) }),
  },
];

export const GULLIBLE: Mutant = {
  name: 'another content under the same generation is accepted',
  rule: '4: same number, other digest is refused',
  from: 1,
  agent: () => ({ journal: opened(GullibleJournal) }),
};
