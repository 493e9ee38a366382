import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createJsonLines } from './json-lines.ts';

function read(chunks: readonly Uint8Array[], bytesMax?: number): unknown[] {
  const messages: unknown[] = [];
  const take = createJsonLines((message) => messages.push(message), bytesMax);
  for (const chunk of chunks) take(chunk);
  return messages;
}

const bytes = (text: string): Buffer => Buffer.from(text);

test('messages come out as they went in, wherever the chunks break, also inside a character', () => {
  fc.assert(
    fc.property(
      fc.array(fc.jsonValue(), { maxLength: 8 }),
      fc.array(fc.nat(400), { maxLength: 12 }),
      fc.constantFrom('\n', '\r\n'),
      (messages, cuts, end) => {
        const wire = bytes(messages.map((message) => `${JSON.stringify(message)}${end}`).join(''));
        const edges = [0, ...cuts.map((cut) => Math.min(cut, wire.length)).sort((a, b) => a - b), wire.length];
        const chunks = edges.slice(1).map((edge, index) => wire.subarray(edges[index], edge));
        expect(read(chunks)).toEqual(JSON.parse(JSON.stringify(messages)));
      },
    ),
  );
});

test('a chunk is not kept: its memory may be used again', () => {
  const chunk = bytes('{"a":');
  const messages: unknown[] = [];
  const take = createJsonLines((message) => messages.push(message));
  take(chunk);
  chunk.fill(0x20);
  take(bytes('1}\n'));
  expect(messages).toEqual([{ a: 1 }]);
});

test("what stands before the guest agent's delimiter is dropped", () => {
  expect(read([bytes('{"return": {"old'), Buffer.from([0xff]), bytes('{"return":7}\n')])).toEqual([{ return: 7 }]);
});

test('a line that is not JSON is null, and those after it are read', () => {
  expect(read([bytes('half a mess\n{"a":1}\n')])).toEqual([null, { a: 1 }]);
});

test('a line without end does not fill the memory', () => {
  const chunks = Array.from({ length: 50 }, () => bytes('x'.repeat(10)));
  expect(read([...chunks, bytes('\n{"a":1}\n')], 100)).toEqual([null, { a: 1 }]);
});
