import { createServer } from 'node:http';
import { afterEach, expect, it } from 'vitest';
import { createClient } from './client.ts';
import { eventsOf, follow, parseBlock } from './events.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

it('an event keeps its name, id and lines', () => {
  expect(parseBlock('id: 7\nevent: change\ndata: {"a":\ndata:1}')).toEqual({ id: '7', name: 'change', data: '{"a":\n1}' });
  expect(parseBlock(': still here')).toBeNull();
});

it('events come whole, however the bytes are cut', async () => {
  const text = 'id: 1\nevent: change\ndata: "zwölf"\n\n: hm\n\nid: 2\ndata: x\n\nid: 3\ndata: cut off';
  const bytes = new TextEncoder().encode(text);
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
      controller.close();
    },
  });
  const seen = [];
  for await (const { id, data } of eventsOf(new Response(body), () => undefined)) seen.push([id, data]);
  expect(seen).toEqual([
    ['1', '"zwölf"'],
    ['2', 'x'],
  ]);
});

it('a broken stream is taken up again after the last event that came', async () => {
  const resumedFrom: unknown[] = [];
  const change = (cursor: number) =>
    `id: ${cursor}\nevent: change\ndata: ${JSON.stringify({ cursor, kind: 'task', id: 'task_x', gone: false })}\n\n`;
  const server = createServer((request, response) => {
    resumedFrom.push(request.headers['last-event-id'] ?? null);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const first = resumedFrom.length === 1;
    response.write(`id: ${first ? 4 : 5}\nevent: hello\ndata: {}\n\n${change(first ? 5 : 6)}`, () => first && response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => server.close().closeAllConnections());
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const client = createClient({ url: `http://127.0.0.1:${address.port}`, token: 't', from: 'test' });

  const ending = new AbortController();
  const seen: unknown[] = [];
  for await (const event of follow(client, ending.signal)) {
    seen.push(event.do === 'change' ? event.change.cursor : event.do);
    if (event.do === 'change' && event.change.cursor === 6) ending.abort();
  }
  expect(seen).toEqual(['connected', 5, 'lost', 'connected', 6]);
  expect(resumedFrom).toEqual([null, '5']);
});
