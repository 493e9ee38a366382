import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { missingDependency } from './dependencies.mjs';

let root;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'drover-dependencies-'));
});
afterEach(() => rmSync(root, { recursive: true }));

function write(path, content) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), JSON.stringify(content));
}
const OURS = { '': {}, 'agent': { version: '0.1.0' }, 'node_modules/@drover/agent': { link: true } };
const WANTED = { 'node_modules/hono': { version: '4.0.0' }, 'agent/node_modules/@x/y': { version: '1.0.0' } };

function installed(packages) {
  write('package-lock.json', { packages: { ...OURS, ...WANTED, 'node_modules/other-platform': { version: '1.0.0', optional: true } } });
  write('node_modules/.package-lock.json', { packages });
  for (const path of Object.keys(packages)) mkdirSync(join(root, path), { recursive: true });
}

test('nothing is missing when all is there in the version that is wanted', () => {
  installed(WANTED);
  expect(missingDependency(root)).toBeNull();
});

test('a fresh clone lacks everything', () => {
  write('package-lock.json', { packages: WANTED });
  expect(missingDependency(root)).toBe('node_modules');
});

test('another version is as good as none', () => {
  installed({ ...WANTED, 'node_modules/hono': { version: '3.0.0' } });
  expect(missingDependency(root)).toBe('hono');
});

test('what stands below a folder of ours is missed too, also when only its files are gone', () => {
  installed({ 'node_modules/hono': { version: '4.0.0' } });
  expect(missingDependency(root)).toBe('@x/y');
  installed(WANTED);
  rmSync(join(root, 'agent/node_modules'), { recursive: true });
  expect(missingDependency(root)).toBe('@x/y');
});
