import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createRunRecords, STEADY_RUN_MS } from './run-record.ts';

let folder: string;
let now: number;
const clock = {
  now: () => now,
  sleep: () => Promise.resolve(),
  after: () => () => {},
};
const records = (bootId = 'boot-1') => createRunRecords(clock, bootId);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'run-record-'));
  now = 1_900_000_000_000;
});
afterEach(() => rmSync(folder, { recursive: true }));

test('a guest that never ran has no last run', () => {
  expect(records().read(folder, false)).toBeNull();
});

test('an unfinished run whose process is gone is a crash, and stays the same crash however often it is read', () => {
  records().begin(folder, 3);
  expect(records().read(folder, true)).toEqual({ powerRequest: 3, startedAtMs: now, endedAtMs: null, end: null, crashes: 0 });
  now += 5_000;
  const crash = { powerRequest: 3, startedAtMs: now - 5_000, endedAtMs: now, end: 'crash', crashes: 1 };
  expect(records().read(folder, false)).toEqual(crash);
  now += 5_000;
  expect(records().read(folder, false)).toEqual(crash);
});

test('an unfinished run of another boot ended with its host', () => {
  records('boot-1').begin(folder, 3);
  expect(records('boot-2').read(folder, false)).toMatchObject({ end: 'host', crashes: 0 });
});

test('an end that was asked for is no crash, whoever sees it', () => {
  records().begin(folder, 1);
  records().ask(folder);
  expect(records().read(folder, false)).toMatchObject({ end: 'asked', crashes: 0 });
  records().begin(folder, 2);
  records().ask(folder);
  records().end(folder, 'self');
  expect(records().read(folder, false)).toMatchObject({ end: 'asked' });
});

test('a guest that goes on although its end was asked for can still crash', () => {
  records().begin(folder, 1);
  records().ask(folder);
  records().unask(folder);
  expect(records().read(folder, false)).toMatchObject({ end: 'crash' });
});

test('crashes count for one request, and begin anew with the next', () => {
  for (const expected of [1, 2, 3]) {
    records().begin(folder, 7);
    records().end(folder, 'crash');
    expect(records().read(folder, false)?.crashes).toBe(expected);
  }
  records().begin(folder, 8);
  expect(records().read(folder, true)?.crashes).toBe(0);
});

test('ten minutes of running forgive earlier crashes', () => {
  records().begin(folder, 7);
  records().end(folder, 'crash');
  records().begin(folder, 7);
  expect(records().read(folder, true)?.crashes).toBe(1);
  now += STEADY_RUN_MS;
  expect(records().read(folder, true)?.crashes).toBe(0);
  expect(records().read(folder, false)).toMatchObject({ end: 'crash', crashes: 1 });
});

test('the first end that is recorded stays', () => {
  records().begin(folder, 1);
  records().end(folder, 'self');
  records().end(folder, 'crash');
  records().ask(folder);
  expect(records().read(folder, false)).toMatchObject({ end: 'self' });
});

const failing = () => Promise.reject(new Error('no memory'));

test('a start that failed leaves the record as it was', async () => {
  await expect(records().start(folder, 1, failing)).rejects.toThrow('no memory');
  expect(records().read(folder, false)).toBeNull();
  records().begin(folder, 1);
  records().end(folder, 'self');
  const before = records().read(folder, false);
  await expect(records().start(folder, 2, failing)).rejects.toThrow('no memory');
  expect(records().read(folder, false)).toEqual(before);
});

/** An agent that is killed while it starts the guest. */
const beginStart = () => void records().start(folder, 1, () => new Promise(() => {}));

test('a start that the agent did not live to finish is no crash, though nothing runs', () => {
  beginStart();
  expect(records().read(folder, false)).toMatchObject({ powerRequest: 1, end: null, crashes: 0 });
  expect(records('boot-2').read(folder, false)).toMatchObject({ end: 'host' });
});

test('a guest that was found running after such a start can crash, and so can one whose start went well', async () => {
  beginStart();
  expect(records().read(folder, true)).toMatchObject({ end: null });
  expect(records().read(folder, false)).toMatchObject({ end: 'crash', crashes: 1 });
  await records().start(folder, 1, async () => {});
  expect(records().read(folder, false)).toMatchObject({ end: 'crash', crashes: 2 });
});

test('one that was told to end while it was started ended as it was asked to', () => {
  beginStart();
  records().ask(folder);
  expect(records().read(folder, false)).toMatchObject({ end: 'asked' });
});

test('a newer request for a running guest is remembered, and takes back that its end was asked for', () => {
  records().begin(folder, 1);
  records().ask(folder);
  records().adopt(folder, 2);
  expect(records().read(folder, false)).toMatchObject({ powerRequest: 2, end: 'crash' });
});

test('a torn record counts as none', () => {
  records().begin(folder, 1);
  writeFileSync(join(folder, 'run.json'), '{"v":1,');
  expect(records().read(folder, false)).toBeNull();
  records().begin(folder, 2);
  expect(records().read(folder, true)).toMatchObject({ powerRequest: 2 });
});

test('what another process wrote is seen', () => {
  const first = records();
  const second = records();
  first.begin(folder, 1);
  expect(second.read(folder, true)).toMatchObject({ powerRequest: 1 });
  first.adopt(folder, 2);
  expect(second.read(folder, true)).toMatchObject({ powerRequest: 2 });
});

test('a run that we end as the host goes down ended with its host, unless somebody had asked for its end before', () => {
  records().begin(folder, 1);
  records().ask(folder, 'host');
  records().end(folder, 'self');
  expect(records().read(folder, false)).toMatchObject({ end: 'host', crashes: 0 });
  records().begin(folder, 2);
  records().ask(folder, 'host');
  expect(records().read(folder, false)).toMatchObject({ end: 'host', crashes: 0 });
  records().begin(folder, 3);
  records().ask(folder);
  records().ask(folder, 'host');
  expect(records().read(folder, false)).toMatchObject({ end: 'asked' });
  records().begin(folder, 4);
  records().ask(folder, 'host');
  records().unask(folder);
  expect(records().read(folder, false)).toMatchObject({ end: 'crash' });
});
