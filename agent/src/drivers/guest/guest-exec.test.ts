import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { realClock } from '@drover/shared/lib/clock';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Stream } from '../stream.ts';
import { GuestAgent } from './guest-agent.ts';
import { execThroughAgent } from './guest-exec.ts';
import { createJsonLines } from './json-lines.ts';

/** A guest agent whose programs the test plays: each guest-exec is answered, and ends at the second look. */
let folder: string;
let server: Server;
let peers: Socket[];
let asked: { execute: string; arguments: Record<string, unknown> }[];
let program: { readonly 'exitcode'?: number; readonly 'signal'?: number; readonly 'out-data'?: string; readonly 'out-truncated'?: boolean };
let isAllowed: boolean;
let looks: number;

const base64 = (text: string): string => Buffer.from(text).toString('base64');

function answerOf(command: string, args: Record<string, unknown>): object {
  switch (command) {
    case 'guest-sync-delimited':
      return { return: args.id };
    case 'guest-info':
      return { return: { supported_commands: [{ name: 'guest-exec', enabled: isAllowed }] } };
    case 'guest-exec':
      return args.path === 'missing' ? { error: { class: 'GenericError', desc: 'No such file or directory' } } : { return: { pid: 7 } };
    default:
      looks += 1;
      return { return: looks < 2 ? { exited: false } : { exited: true, ...program } };
  }
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'guest-exec-'));
  peers = [];
  asked = [];
  looks = 0;
  isAllowed = true;
  program = { exitcode: 0 };
  server = createServer((peer) => {
    peers.push(peer);
    // What an earlier conversation left half said.
    peer.write('{"return": {"exi');
    peer.on('error', () => {});
    peer.on(
      'data',
      createJsonLines((raw) => {
        const { execute, arguments: args } = Object(raw);
        asked.push({ execute, arguments: args });
        if (execute === 'guest-sync-delimited') peer.write(Buffer.from([0xff]));
        peer.write(`${JSON.stringify(answerOf(execute, args))}\n`);
      }),
    );
  });
  await new Promise<void>((resolve) => server.listen(join(folder, 'agent.sock'), resolve));
});

afterEach(() => {
  for (const peer of peers) peer.destroy();
  server.close();
  rmSync(folder, { recursive: true });
});

const open = () => GuestAgent.open(join(folder, 'agent.sock'), realClock, () => {});

async function finish(stream: Stream) {
  const seen = { stdout: '', stderr: '' };
  stream.onOutput((channel, bytes) => {
    seen[channel] += Buffer.from(bytes).toString();
  });
  return { ...(await stream.ended), ...seen };
}

const begun = () => asked.find(({ execute }) => execute === 'guest-exec')?.arguments;

test("a program's words, input and output pass unchanged", async () => {
  program = { 'exitcode': 7, 'out-data': base64('out ü\n') };
  const stream = await execThroughAgent(await open(), ['cat', '-n', 'a b'], realClock);
  stream.write(Buffer.from('in'));
  stream.write(Buffer.from('put'));
  stream.endInput();
  expect(await finish(stream)).toEqual({ code: 7, stdout: 'out ü\n', stderr: '' });
  expect(begun()).toEqual({ 'path': 'cat', 'arg': ['-n', 'a b'], 'capture-output': true, 'input-data': base64('input') });
});

test('a program that was killed ends as in a shell', async () => {
  program = { signal: 9 };
  const stream = await execThroughAgent(await open(), ['x'], realClock);
  stream.endInput();
  expect(await finish(stream)).toMatchObject({ code: 137 });
});

test("a program that is not there ends with 127 and the agent's words", async () => {
  const stream = await execThroughAgent(await open(), ['missing'], realClock);
  stream.endInput();
  expect(await finish(stream)).toMatchObject({ code: 127, stderr: expect.stringContaining('No such file') });
});

test('output that the agent cut is said to be cut', async () => {
  program = { 'exitcode': 0, 'out-data': base64('half'), 'out-truncated': true };
  const stream = await execThroughAgent(await open(), ['x'], realClock);
  stream.endInput();
  expect(await finish(stream)).toMatchObject({ code: 0, stdout: 'half', stderr: expect.stringContaining('its end is missing') });
});

test('a slow reader gets everything before it is told of the end', async () => {
  program = { 'exitcode': 0, 'out-data': base64('all of it') };
  const stream = await execThroughAgent(await open(), ['x'], realClock);
  stream.pause();
  let isOver = false;
  stream.ended.then(() => {
    isOver = true;
  });
  const finished = finish(stream);
  stream.endInput();
  while (looks < 2) await realClock.sleep(1);
  await realClock.sleep(1);
  expect(isOver).toBe(false);
  stream.resume();
  expect(await finished).toMatchObject({ stdout: 'all of it' });
});

test('a closed program is killed in the guest', async () => {
  const stream = await execThroughAgent(await open(), ['x'], realClock);
  stream.endInput();
  while (looks < 1) await realClock.sleep(1);
  stream.close();
  await stream.ended;
  while (asked.filter(({ execute }) => execute === 'guest-exec').length < 2) await realClock.sleep(1);
  expect(asked.filter(({ execute }) => execute === 'guest-exec').at(-1)?.arguments).toMatchObject({
    path: 'sh',
    arg: expect.arrayContaining(['7']),
  });
});

test('a guest whose agent forbids programs says so before anything is sent to it', async () => {
  isAllowed = false;
  await expect(execThroughAgent(await open(), ['x'], realClock)).rejects.toMatchObject({ code: 'unsupported' });
});
