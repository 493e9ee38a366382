import type { AuditFacts } from '@drover/shared/model/audit';
import { describe, expect, it } from 'vitest';
import { BEGINNING, type Link, linksFor, type Numbered, verify } from './audit-chain.ts';

const facts = (over: Partial<AuditFacts> = {}): AuditFacts => ({
  ...{ atMs: 1, who: 'anna', whoId: 'user_1', via: 'api', tokenId: 'token_1', address: '192.0.2.1', action: 'POST /x' },
  ...{ kind: 'guest', id: '107', name: 'web', generation: 7, taskId: 'task_1', outcome: 'done', detail: null },
  ...over,
});
const START: Link = { number: 0, hash: BEGINNING };
const entries: readonly Numbered[] = [1, 2, 3, 4].map((number) => ({ number, facts: facts({ atMs: number }) }));
const links = new Map(linksFor(START, entries).map(({ number, hash }) => [number, hash]));

describe('the chain of the record', () => {
  it('is whole as it was written, also when it is looked at in parts', () => {
    const whole = verify(START, entries, links);
    expect(whole).toEqual({ is: 'whole', last: { number: 4, hash: links.get(4) } });
    const half = verify(START, entries.slice(0, 2), links);
    if (half.is !== 'whole') throw new Error('broken');
    expect(verify(half.last, entries.slice(2), links)).toEqual(whole);
  });

  it.each<[string, readonly Numbered[], ReadonlyMap<number, string>, number]>([
    ['a changed fact', entries.map((entry) => (entry.number === 2 ? { ...entry, facts: facts({ who: 'eve' }) } : entry)), links, 2],
    ['a missing entry', entries.filter(({ number }) => number !== 3), links, 3],
    [
      'two that changed places',
      [entries[0], entries[2], entries[1], entries[3]].map((entry, at) => ({ number: at + 1, facts: entry?.facts ?? facts() })),
      links,
      2,
    ],
    ['a hash that was put in anew', entries, new Map([...links, [3, 'f'.repeat(64)]]), 3],
    ['one that was never bound', entries, new Map([...links].filter(([number]) => number < 4)), 4],
  ])('tells of %s', (_what, changed, kept, number) => {
    expect(verify(START, changed, kept)).toMatchObject({ is: 'broken', number });
  });
});
