import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LeaseFile, parseLeases, withoutLeases } from './leases.ts';
import { subnetOf } from './nat-settings.ts';

const subnet = subnetOf('10.84.0.0/24');
const WEB = '52:54:01:00:00:64';
const DB = '52:54:01:00:00:65';
const line = (mac: string, address: string, expires = 2_000, name = '*') => `${expires} ${mac} ${address} ${name} 01:${mac}\n`;

describe('a lease file', () => {
  it('is read line by line; what is not exactly a lease of this network is none', () => {
    const text = [
      line(WEB, '10.84.0.9', 2_000, 'web'),
      line(DB, '10.84.0.10', 0),
      line(DB, '10.84.1.10'),
      line(DB, '10.84.0.255'),
      line(DB, '999.84.0.10'),
      line('52:54:01:00:00:AB', '10.84.0.11'),
      `2000 ${DB} 10.84.0.12\n`,
      `x${line(DB, '10.84.0.13')}`,
      'duid 00:01:00:01\n',
      `2000 ${DB} 10.84.0.14 na me *\n`,
      `2000 ${DB} 10.84.0.1`,
    ].join('');
    expect(parseLeases(text, subnet)).toEqual([
      { mac: WEB, address: '10.84.0.9', expiresAtMs: 2_000_000 },
      { mac: DB, address: '10.84.0.10', expiresAtMs: null },
    ]);
  });

  it('loses exactly the leases that are taken back', () => {
    const text = `${line(WEB, '10.84.0.9')}duid 00:01\n${line(DB, '10.84.0.10')}`;
    expect(withoutLeases(text, (mac) => mac === WEB)).toBe(`${line(WEB, '10.84.0.9')}duid 00:01\n`);
  });
});

describe('a lease file on disk', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'drover-leases-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('says what a MAC address holds now, without what has run out', () => {
    const file = new LeaseFile(join(folder, 'leases'), subnet);
    expect(file.addresses(WEB, 1_000_000)).toEqual([]);
    writeFileSync(join(folder, 'leases'), line(WEB, '10.84.0.9'));
    expect(file.addresses(WEB, 1_999_999)).toEqual(['10.84.0.9']);
    expect(file.addresses(WEB, 2_000_000)).toEqual([]);
    expect(file.addresses(DB, 1_000_000)).toEqual([]);
  });

  it('tells of exactly the MAC addresses whose addresses changed', async () => {
    const path = join(folder, 'leases');
    writeFileSync(path, line(WEB, '10.84.0.9'));
    const file = new LeaseFile(path, subnet);
    const told: string[] = [];
    const stop = file.watch((mac) => told.push(mac));
    writeFileSync(path, line(WEB, '10.84.0.9', 3_000) + line(DB, '10.84.0.10'));
    await expect.poll(() => told).toEqual([DB]);
    writeFileSync(path, line(DB, '10.84.0.10'));
    await expect.poll(() => told).toEqual([DB, WEB]);
    stop();
  });
});
