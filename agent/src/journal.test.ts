import { digest } from '@drover/shared/lib/digest';
import { HostId } from '@drover/shared/model/id';
import type { Resource } from '@drover/shared/model/resource';
import { beforeEach, describe, expect, it } from 'vitest';
import { createSimulatedDisk, emptyDisk } from '../../test/simulation/disk.ts';
import { MortalLife, realLife } from '../../test/simulation/life.ts';
import { Timeline } from '../../test/simulation/timeline.ts';
import { digestOf, Journal } from './journal.ts';

const NOW_MS = 1_000_000;
const HOUR_MS = 3_600_000;
const GUEST = { kind: 'guest', id: '100' } as const;
const TASK = { kind: 'task', id: 'task_00000001' } as const;
const PATH = '/journal/guest-100.json';

let state = emptyDisk();
beforeEach(() => {
  state = emptyDisk();
});

const open = (nowMs = NOW_MS, hostBootId = 'boot-a') => new Journal(createSimulatedDisk(state, realLife), '/journal', hostBootId, nowMs);
const wish = (
  generation: number,
  spec: Record<string, unknown> = { generation },
  ref: Pick<Resource, 'kind' | 'id'> = GUEST,
): Resource => ({
  ...ref,
  hostId: HostId.parse('host_0123456789'),
  generation,
  spec,
  deletion: null,
});
const held = (journal: Journal) => journal.get(GUEST)?.resource.generation ?? null;

describe('a wish', () => {
  it('is taken when it is newer, and is there after a restart', () => {
    const journal = open();
    expect([journal.accept(wish(1)), journal.accept(wish(3)), held(journal)]).toEqual(['accepted', 'accepted', 3]);
    expect(held(open())).toBe(3);
  });

  it('changes nothing when it is older or the very same', () => {
    const journal = open();
    journal.accept(wish(3));
    const before = new Map(state.files);
    expect([journal.accept(wish(2)), journal.accept(wish(3))]).toEqual(['older', 'known']);
    expect(state.files).toEqual(before);
  });

  it('is refused when the same generation comes with another content, or as another tombstone', () => {
    const journal = open();
    journal.accept(wish(3, { name: 'web' }));
    expect(journal.accept(wish(3, { name: 'db' }))).toBe('contradicts');
    expect(journal.accept({ ...wish(3, { name: 'web' }), deletion: { requestedAtMs: 1, destroys: [] } })).toBe('contradicts');
    expect(journal.get(GUEST)?.digest).toBe(digestOf(wish(3, { name: 'web' })));
  });

  it('that cannot be written is not held either, and can be taken later', () => {
    const journal = open();
    journal.accept(wish(1));
    state.full = true;
    expect(() => journal.accept(wish(2))).toThrow('ENOSPC');
    expect(held(journal)).toBe(1);
    state.full = false;
    expect(journal.accept(wish(2))).toBe('accepted');
    expect(held(open())).toBe(2);
  });

  it.each([1, 2, 3])('is there whole or not at all when the agent dies at place %i of writing it', (place) => {
    open().accept(wish(1));
    const life = new MortalLife(new Timeline(NOW_MS));
    const journal = new Journal(createSimulatedDisk(state, life), '/journal', 'boot-a', NOW_MS);
    life.light(place, () => {});
    journal.accept(wish(2));
    const after = open();
    expect(held(after)).toBe(place < 3 ? 1 : 2);
    expect(after.quarantined).toEqual([]);
  });
});

describe('a damaged file', () => {
  const damages: Readonly<Record<string, (text: string) => string>> = {
    'torn': (text) => text.slice(0, text.length / 2),
    'empty': () => '',
    'of one flipped byte': (text) => text.replace('"generation":1', '"generation":9'),
    'of another form, though its digest is right': () => `${digest({})}\n{}`,
    'without a digest': (text) => text.slice(text.indexOf('\n') + 1),
  };

  it.each(Object.entries(damages))('%s is set aside and named, and the rest is read', (_name, damage) => {
    const journal = open();
    journal.accept(wish(1));
    journal.accept(wish(1, {}, { kind: 'guest', id: '101' }));
    state.files.set(PATH, damage(state.files.get(PATH) ?? ''));
    const after = open();
    expect(after.quarantined).toEqual(['guest-100.json']);
    expect(after.all().map(({ resource }) => resource.id)).toEqual(['101']);
    expect(state.files.has(`${PATH}.damaged`)).toBe(true);
    // What was lost can be learnt again.
    expect(after.accept(wish(1))).toBe('accepted');
  });

  it('with the counters costs only the count', () => {
    open().accept(wish(1));
    state.files.set('/journal/counters.json', 'rotten');
    const after = open();
    expect([after.boot, after.hostBooted, held(after)]).toEqual([1, false, 1]);
  });

  it('under the name of another resource is not believed', () => {
    open().accept(wish(1));
    state.files.set('/journal/guest-101.json', state.files.get(PATH) ?? '');
    expect(
      open()
        .all()
        .map(({ resource }) => resource.id),
    ).toEqual(['100']);
  });
});

describe('starts', () => {
  it('of the agent are counted, and a boot of the host is noticed once', () => {
    expect([open().boot, open().boot]).toEqual([1, 2]);
    expect([open(NOW_MS, 'boot-a').hostBooted, open(NOW_MS, 'boot-b').hostBooted, open(NOW_MS, 'boot-b').hostBooted]).toEqual([
      false,
      true,
      false,
    ]);
  });

  it('of a host that never ran an agent are no boot of the host', () => {
    expect(open().hostBooted).toBe(false);
  });
});

describe('an old copy of a journal', () => {
  it('counts for nothing but what was done, and counts on from where it was told', () => {
    const journal = open();
    const [begun, waiting] = [TASK, { kind: 'task', id: 'task_00000002' }] as const;
    for (const each of [wish(1), wish(1, {}, { kind: 'guest', id: '101' }), wish(1, {}, begun), wish(1, {}, waiting)]) journal.accept(each);
    journal.recordTask(begun, { begunAtMs: NOW_MS });
    journal.recordGone({ kind: 'guest', id: '101' }, NOW_MS);
    journal.stepAbove(8);
    for (const after of [journal, open()]) {
      expect(after.all().map(({ resource }) => resource.id)).toEqual([begun.id]);
      expect(after.get({ kind: 'guest', id: '101' })?.goneAtMs).toBe(NOW_MS);
    }
    expect([journal.boot, open().boot]).toEqual([9, 11]);
    // What is sent again is new to it.
    expect(journal.accept(wish(1))).toBe('accepted');
  });

  it('is not what a damaged count makes of it', () => {
    open().accept(wish(1));
    state.files.set('/journal/counters.json', 'rotten');
    const journal = open();
    journal.stepAbove(8);
    expect([held(journal), open().boot]).toEqual([1, 10]);
  });
});

describe('what is over', () => {
  const result = { state: 'done', atMs: NOW_MS } as const;

  it('a finished task is remembered, with its result, for a week', () => {
    const journal = open();
    journal.accept(wish(1, {}, TASK));
    journal.recordTask(TASK, { begunAtMs: NOW_MS });
    journal.recordTask(TASK, { begunAtMs: NOW_MS, result });
    expect(open(NOW_MS + 24 * HOUR_MS).get(TASK)?.task).toEqual({ begunAtMs: NOW_MS, result });
    expect(open(NOW_MS + 8 * 24 * HOUR_MS).get(TASK)).toBeNull();
  });

  it('a task that has begun is never forgotten before it has ended', () => {
    const journal = open();
    journal.accept(wish(1, {}, TASK));
    journal.recordTask(TASK, { begunAtMs: NOW_MS });
    expect(open(NOW_MS + 365 * 24 * HOUR_MS).get(TASK)?.task).toEqual({ begunAtMs: NOW_MS });
  });

  it('keeps the record of a task when its wish is replaced by a cancellation', () => {
    const journal = open();
    journal.accept(wish(1, {}, TASK));
    journal.recordTask(TASK, { begunAtMs: NOW_MS });
    journal.accept(wish(2, { cancelled: true }, TASK));
    expect(journal.get(TASK)?.task).toEqual({ begunAtMs: NOW_MS });
  });

  it('what is gone is no wish any more, but a late command does not bring it back', () => {
    const journal = open();
    journal.accept(wish(4));
    journal.recordGone(GUEST, NOW_MS);
    const after = open();
    expect(after.all()).toEqual([]);
    expect([after.accept(wish(3)), after.accept(wish(4)), after.all().length]).toEqual(['older', 'known', 0]);
    expect([after.accept(wish(5)), after.all().length]).toEqual(['accepted', 1]);
  });

  it('what is gone is forgotten after a day, also by an agent that never restarts', () => {
    const journal = open();
    journal.accept(wish(4));
    journal.recordGone(GUEST, NOW_MS);
    journal.trim(NOW_MS + 25 * HOUR_MS);
    expect(journal.get(GUEST)).toBeNull();
    expect(state.files.has(PATH)).toBe(false);
  });
});
