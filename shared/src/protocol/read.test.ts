import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MESSAGE_BYTES_MAX } from './message.ts';
import { readGone, readReport } from './read.ts';

const HOST = 'host_0123456789';
const envelope = { v: 1, host: HOST, session: 's', boot: 1, sequence: 1, sentAtMs: 0 };
const status = { kind: 'guest', id: '100', acked: 1, applied: 1, condition: 'settled' };
const bytes = (value: unknown) => new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));

describe('a report', () => {
  it('of a newer agent is read as far as it is understood', () => {
    const read = readReport(
      bytes({
        ...envelope,
        mood: 'good',
        statuses: [{ ...status, colour: 'red' }, { ...status, kind: 'firewall' }, { ...status, id: '101', condition: 'dreaming' }, 7],
        log: [
          { kind: 'guest', id: '100', atMs: 1, line: 'x' },
          { kind: 'guest', id: '100', atMs: 1, line: 'x'.repeat(2_001) },
        ],
      }),
    );
    expect(read?.dropped).toBe(4);
    expect(read?.report.statuses).toEqual([{ ...status, gone: false, observed: {} }]);
    expect(read?.report.log).toHaveLength(1);
    expect(read?.report).not.toHaveProperty('mood');
  });

  it('with figures that are not understood is as good without them', () => {
    const read = readReport(bytes({ ...envelope, statuses: [status], figures: { atMs: 'now' }, hardware: { digest: 'd' } }));
    expect(read?.dropped).toBe(1);
    expect(read?.report).not.toHaveProperty('figures');
    expect(read?.report).toMatchObject({ statuses: [status], hardware: { digest: 'd', disks: [] } });
  });

  it('with a problem of an unknown code keeps the rest of its words', () => {
    const problem = { code: 'on-fire', status: 599, title: 'on fire', detail: 'it burns', retryable: false };
    const read = readReport(bytes({ ...envelope, statuses: [{ ...status, problem }] }));
    expect(read?.report.statuses).toMatchObject([{ problem: { code: 'host-failed', detail: 'it burns' } }]);
  });

  it.each([
    ['nothing', ''],
    ['no JSON', '{'],
    ['a number', '7'],
    ['null', 'null'],
    ['a list', '[]'],
    ['no boot', { ...envelope, boot: undefined }],
    ['a boot that cannot be counted on', { ...envelope, boot: 2 ** 52 }],
    ['a negative sequence', { ...envelope, sequence: -1 }],
    ['a session without end', { ...envelope, session: 's'.repeat(65) }],
    ['a list that is none', { ...envelope, statuses: 'all' }],
    ['depth without end', `${'['.repeat(60_000)}${']'.repeat(60_000)}`],
    ['more than any broker carries', { ...envelope, more: 'x'.repeat(MESSAGE_BYTES_MAX) }],
  ])('that is %s is none', (_what, body) => {
    expect(readReport(bytes(body))).toBeNull();
  });
});

describe('any bytes', () => {
  it('are a message or none, and never an error', () => {
    const shaped = fc.record(
      {
        ...Object.fromEntries(Object.keys(envelope).map((name) => [name, fc.anything()])),
        hello: fc.anything(),
        statuses: fc.array(fc.anything()),
        log: fc.array(fc.anything()),
        refused: fc.array(fc.anything()),
        reason: fc.anything(),
      },
      { requiredKeys: [] },
    );
    const any = fc.oneof(
      fc.uint8Array({ maxLength: 500 }),
      fc.json({ maxDepth: 5 }).map(bytes),
      shaped.map((body) =>
        bytes(JSON.stringify({ ...envelope, ...body }, (_key, member) => (typeof member === 'bigint' ? `${member}` : member)) ?? ''),
      ),
    );
    fc.assert(
      fc.property(any, (message) => {
        readReport(message);
        readGone(message);
      }),
      { numRuns: 3_000 },
    );
  });
});
