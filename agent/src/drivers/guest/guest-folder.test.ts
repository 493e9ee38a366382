import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GuestSpec } from '@drover/shared/model/guest';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { definitionDigest } from '../../core/definition.ts';
import { createGuestFileReader, identifyGuestFolder, readGuestFile, removeGuestFile, writeGuestFile } from './guest-folder.ts';

const spec = GuestSpec.parse({
  type: 'vm',
  name: 'db',
  tags: [],
  notes: '',
  power: 'running',
  powerRequest: 1,
  startAtBoot: false,
  memoryBytes: 2 ** 28,
  cores: 1,
  disks: [{ name: 'root', storageId: 'storage_abcdefgh', sizeBytes: 2 ** 30, imageId: null }],
  nics: [],
  sshKeys: [],
  firmware: 'bios',
  cdromImageId: null,
});

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'guest-folder-'));
  path = join(folder, 'guest.json');
});
afterEach(() => rmSync(folder, { recursive: true }));

test('what is written is read again, with the digest of its definition', () => {
  expect(readGuestFile(folder, 107)).toBeNull();
  writeGuestFile(folder, 107, spec);
  expect(readGuestFile(folder, 107)).toEqual({ spec, digest: definitionDigest(spec) });
  expect(identifyGuestFolder(folder)).toEqual({ id: 107, type: 'vm' });
});

test.each([
  ['torn', '{"v":1,"id":107,'],
  ['empty', ''],
  ['of another version', JSON.stringify({ v: 2, id: 107 })],
  ["another guest's", JSON.stringify({ v: 1, id: 108, spec, digest: definitionDigest(spec) })],
])('a file that is %s counts as none, and is put aside rather than lost', (_what, text) => {
  writeFileSync(path, text);
  expect(readGuestFile(folder, 107)).toBeNull();
  expect(existsSync(path)).toBe(false);
  expect(readFileSync(`${path}.bad`, 'utf8')).toBe(text);
});

test('a file that was edited by hand shows as another definition', () => {
  writeGuestFile(folder, 107, spec);
  writeFileSync(path, readFileSync(path, 'utf8').replace('"cores": 1', '"cores": 2'));
  expect(readGuestFile(folder, 107)?.digest).toBe(definitionDigest({ ...spec, cores: 2 }));
});

test('a reader that remembers sees every replacement', () => {
  const read = createGuestFileReader();
  expect(read(folder, 107)).toBeNull();
  writeGuestFile(folder, 107, spec);
  const first = read(folder, 107);
  expect(read(folder, 107)).toBe(first);
  writeGuestFile(folder, 107, { ...spec, cores: 2 });
  expect(read(folder, 107)?.spec.cores).toBe(2);
  removeGuestFile(folder);
  expect(read(folder, 107)).toBeNull();
});

test('half a write from a crash does not matter', () => {
  writeGuestFile(folder, 107, spec);
  writeFileSync(`${path}.new`, '{"v":');
  expect(readGuestFile(folder, 107)?.spec).toEqual(spec);
  writeGuestFile(folder, 107, { ...spec, cores: 2 });
  expect(readGuestFile(folder, 107)?.spec.cores).toBe(2);
});
