import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createSseParser, type SseEvent } from './sse.ts';

const STREAM =
  ': still here\n\nid: 7\nevent: change\ndata: {"a":1}\n\nevent: reset\ndata: one\ndata: two\n\ndata\n\r\nid: 9\r\ndata:x\r\n\r\nevent: lost\n\n';

const read = (pieces: readonly string[]): SseEvent[] => {
  const events: SseEvent[] = [];
  const parse = createSseParser((event) => events.push(event));
  for (const piece of pieces) parse(piece);
  return events;
};

it('reads events, their ids and several lines of data; a comment and an event without data are none', () => {
  expect(read([STREAM])).toEqual([
    { event: 'change', data: '{"a":1}', id: '7' },
    { event: 'reset', data: 'one\ntwo', id: null },
    { event: 'message', data: '', id: null },
    { event: 'message', data: 'x', id: '9' },
  ]);
});

it('gives the same events however the stream is cut', () => {
  const whole = read([STREAM]);
  fc.assert(
    fc.property(fc.array(fc.nat(STREAM.length), { maxLength: 12 }), (cuts) => {
      const edges = [0, ...[...cuts].sort((a, b) => a - b), STREAM.length];
      const pieces = edges.slice(1).map((edge, index) => STREAM.slice(edges[index], edge));
      expect(read(pieces)).toEqual(whole);
    }),
  );
});
