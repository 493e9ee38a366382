import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeFolders, makeRunFolders } from './folder.ts';

let base: string;
let umask: number;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'drover-folder-'));
  umask = process.umask(0o077);
});
afterEach(() => {
  process.umask(umask);
  rmSync(base, { recursive: true });
});

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

test('every folder that was missing has the mode that was asked for, whatever the umask; others keep theirs', () => {
  const before = modeOf(base);
  makeFolders(join(base, 'a/b'), 0o711);
  makeFolders(join(base, 'a/b'), 0o700);
  expect([modeOf(join(base, 'a')), modeOf(join(base, 'a/b')), modeOf(base)]).toEqual(['711', '711', before]);
});

test('folders for what runs can be passed through, also when another driver has made them closed', () => {
  makeRunFolders(join(base, 'run/one'));
  mkdirSync(join(base, 'closed'), { mode: 0o700 });
  makeRunFolders(join(base, 'closed'));
  expect(['run', 'run/one', 'closed'].map((name) => modeOf(join(base, name)))).toEqual(['711', '711', '711']);
});

test('a place where no folder can be made is told, at once', () => {
  writeFileSync(join(base, 'file'), '');
  for (const path of ['/proc/drover', '/proc/drover/below', join(base, 'file'), join(base, 'file/below')])
    expect(() => makeFolders(path, 0o700), path).toThrow(`the folder ${path} cannot be made`);
});
