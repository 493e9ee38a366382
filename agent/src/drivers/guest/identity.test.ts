import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VmSpec } from '@drover/shared/model/guest';
import { expect, test } from 'vitest';
import { ensureUuid, seedFiles, seedPath, systemdCredentials, wantsSeed } from './identity.ts';

const spec = VmSpec.parse({
  type: 'vm',
  name: 'db',
  tags: [],
  notes: '',
  power: 'running',
  powerRequest: 1,
  startAtBoot: false,
  memoryBytes: 2 ** 28,
  cores: 1,
  disks: [{ name: 'root', storageId: 'storage_abcdefgh', sizeBytes: 2 ** 30, imageId: 'image_abcdefgh' }],
  nics: [],
  sshKeys: ['ssh-ed25519 AAAA a"b: c\\n#', 'ssh-rsa BBBB {{ jinja }} ö'],
  firmware: 'bios',
  cdromImageId: null,
});

test('a guest keeps its UUID, and two guests have two', () => {
  const folders = [0, 1].map(() => mkdtempSync(join(tmpdir(), 'identity-')));
  const [first = '', second = ''] = folders;
  const uuid = ensureUuid(first);
  expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(ensureUuid(first)).toBe(uuid);
  expect(ensureUuid(second)).not.toBe(uuid);
  writeFileSync(join(first, 'uuid'), 'rubbish,type=1');
  expect(ensureUuid(first)).toMatch(/^[0-9a-f-]{36}$/);
  for (const folder of folders) rmSync(folder, { recursive: true });
});

test('keys of any text reach the seed as they are', () => {
  const files = seedFiles(spec, 'some-uuid');
  const [first, ...rest] = files['user-data'].split('\n');
  expect(first).toBe('#cloud-config');
  expect(JSON.parse(rest.join('\n'))).toMatchObject({ hostname: 'db', ssh_authorized_keys: spec.sshKeys });
  expect(JSON.parse(files['meta-data'])).toEqual({ 'instance-id': 'some-uuid', 'local-hostname': 'db' });
});

test('a new name makes a new seed for the same instance, and the same name none', () => {
  expect(seedPath('/g', { ...spec, name: 'web' }, 'u')).not.toBe(seedPath('/g', spec, 'u'));
  expect(seedPath('/g', { ...spec, cores: 2, powerRequest: 9 }, 'u')).toBe(seedPath('/g', spec, 'u'));
});

test('credentials carry every key, unless they would not fit into SMBIOS', () => {
  const [hostname, keys = ''] = systemdCredentials(spec);
  expect(hostname).toBe('io.systemd.credential:system.hostname=db');
  expect(Buffer.from(keys.slice(keys.indexOf('=') + 1), 'base64').toString()).toBe(`${spec.sshKeys.join('\n')}\n`);
  expect(systemdCredentials({ ...spec, sshKeys: [] })).toEqual([hostname]);
  expect(systemdCredentials({ ...spec, sshKeys: Array.from({ length: 8 }, () => `ssh-rsa ${'A'.repeat(8_000)}`) })).toEqual([hostname]);
});

test('an installer on an empty disk gets no seed in its way', () => {
  expect(wantsSeed(spec)).toBe(true);
  expect(wantsSeed({ ...spec, disks: spec.disks.map((disk) => ({ ...disk, imageId: null })) })).toBe(false);
});
