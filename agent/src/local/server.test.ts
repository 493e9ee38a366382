import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { LoneHost } from '../../../test/simulation/lone-host.ts';
import { GUEST, guest, STORAGE, storage } from '../../../test/simulation/lone-wishes.ts';
import { ask, type ConsoleEnds, joinConsole } from './client.ts';
import { LocalGuests, type LocalRequest, LocalStatus, socketPath } from './protocol.ts';
import { openLocalServer } from './server.ts';

const about = { name: 'fra-1', controlPlaneUrl: 'https://drover.example.org', version: '0.1.0' };

let runPath: string;
let host: LoneHost;
let close: () => void;
let console: Parameters<ConsoleEnds['begun']>[0] | null = null;

beforeEach(async () => {
  runPath = mkdtempSync(join(tmpdir(), 'drover-local-'));
  host = new LoneHost();
  host.wish(STORAGE, 1, storage);
  host.wish(GUEST, 1, guest);
  await host.pass(5_000);
  close = openLocalServer({ runPath, answers: host.answers, about, log: () => {} });
});

afterEach(() => {
  close();
  rmSync(runPath, { recursive: true, force: true });
});

it('tells root on the same host how things are, and nobody else', async () => {
  expect(LocalStatus.parse(await ask(runPath, { do: 'status' }))).toMatchObject({
    ...about,
    guests: { running: 1, total: 1 },
    paused: null,
  });
  expect(LocalGuests.parse(await ask(runPath, { do: 'guests' }))).toMatchObject([{ id: 107, name: 'web', power: 'running' }]);
  expect(statSync(socketPath(runPath)).mode & 0o777).toBe(0o600);
});

it('takes the place of a socket that was left behind', async () => {
  close();
  writeFileSync(socketPath(runPath), '');
  const again = openLocalServer({ runPath, answers: host.answers, about, log: () => {} });
  await ask(runPath, { do: 'pause', reason: 'why not' });
  expect(host.choices.paused()).toMatchObject({ reason: 'why not' });
  again();
});

it('joins a console once it is there, so that nothing typed is lost, until whoever typed leaves', async () => {
  const shown: string[] = [];
  await joinConsole(runPath, 'web', {
    output(bytes) {
      shown.push(Buffer.from(bytes).toString());
      if (shown.join('').includes('hello')) console?.leave();
    },
    begun(begun) {
      console = begun;
      begun.send({ in: Buffer.from('hello\n').toString('base64') });
    },
  });
  expect(shown.join('')).toContain('hello');
});

it('what cannot be done is a problem in words', async () => {
  await expect(ask(runPath, { do: 'power', guest: 'wbe', power: 'off' })).rejects.toMatchObject({
    code: 'not-found',
    message: 'this host has no guest wbe',
    suggestion: 'drover-agent guests lists what there is',
  });
  // As a newer drover-agent might ask; sound: that it is none is the point.
  await expect(ask(runPath, { do: 'dance' } as unknown as LocalRequest)).rejects.toMatchObject({ code: 'bad-request' });
});

it('an agent that does not run is said not to', async () => {
  close();
  await expect(ask(join(runPath, 'elsewhere'), { do: 'status' })).rejects.toThrow('the agent does not run on this host');
});
