import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { realClock } from '@drover/shared/lib/clock';
import { realRandom } from '@drover/shared/lib/random';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createRelay, FRAME_BYTES_MAX, type Relay } from './relay.ts';
import { relayUpgrades } from './relay-node.ts';

let server: Server;
let relay: Relay;
let url: string;
beforeEach(async () => {
  relay = createRelay(realClock, realRandom);
  server = createServer();
  const upgrade = relayUpgrades(relay, realClock);
  server.on('upgrade', (request, socket, head) => upgrade(request, socket, head) || socket.destroy());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // Sound: it listens on a port, not on a path.
  url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  relay.close();
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
});

const dial = (ticket: string, side: string) => new WebSocket(`${url}/relay/${ticket}?side=${side}`, { perMessageDeflate: false });

describe('the relay over real sockets', () => {
  it('brings ten megabytes through a reader that stops and goes, whole and in order, then the exit code, then the end', async () => {
    const { ticket } = relay.issue();
    const chunks = Array.from({ length: 160 }, () => randomBytes(64 * 1024));
    const host = dial(ticket, 'host');
    host.on('open', () => {
      for (const chunk of chunks) host.send(chunk);
      host.send('{"do":"exit","code":3}');
      host.close(1000);
    });
    const person = dial(ticket, 'person');
    const bytes: Buffer[] = [];
    const texts: string[] = [];
    person.on('message', (frame: Buffer, isBinary: boolean) => {
      if (!isBinary) texts.push(frame.toString());
      else bytes.push(frame);
      if (bytes.length % 40 === 0) {
        person.pause();
        setImmediate(() => person.resume());
      }
    });
    const [code] = await once(person, 'close');
    expect(Buffer.concat(bytes).equals(Buffer.concat(chunks))).toBe(true);
    expect([texts, code]).toEqual([['{"do":"exit","code":3}'], 1000]);
  });

  it('what the person says before the host came arrives', async () => {
    const { ticket } = relay.issue();
    const person = dial(ticket, 'person');
    await once(person, 'open');
    person.send('first');
    person.send(Buffer.from([0, 1, 2]));
    const host = dial(ticket, 'host');
    const got: (string | number[])[] = [];
    const both = new Promise<void>((resolve) => {
      host.on('message', (frame: Buffer, isBinary: boolean) => {
        got.push(isBinary ? [...frame] : frame.toString());
        if (got.length === 2) resolve();
      });
    });
    await both;
    expect(got).toEqual(['first', [0, 1, 2]]);
    person.close();
    await once(host, 'close');
  });

  it('a frame that is too big ends both sides', async () => {
    const { ticket } = relay.issue();
    const [person, host] = [dial(ticket, 'person'), dial(ticket, 'host')];
    await Promise.all([once(person, 'open'), once(host, 'open')]);
    person.send(Buffer.alloc(FRAME_BYTES_MAX + 1));
    const [[personCode]] = await Promise.all([once(person, 'close'), once(host, 'close')]);
    expect(personCode).toBe(1009);
  });

  it.each([
    '/relay/short?side=person',
    `/relay/${'a'.repeat(40)}?side=thief`,
    `/relay/${'a'.repeat(40)}`,
    `/relay/${'a'.repeat(40)}/x?side=host`,
  ])('%s is no address of a relay', async (path) => {
    const socket = new WebSocket(`${url}${path}`);
    const [error] = await once(socket, 'error');
    expect(String(error)).toContain('404');
  });

  it('an unknown ticket is refused in words', async () => {
    const socket = dial('a'.repeat(40), 'person');
    const [frame] = await once(socket, 'message');
    expect(JSON.parse(frame.toString())).toMatchObject({ do: 'failed' });
    const [code] = await once(socket, 'close');
    expect(code).toBe(4404);
  });
});
