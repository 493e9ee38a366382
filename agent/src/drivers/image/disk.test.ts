import { describe, expect, it } from 'vitest';
import { virtualSizeOf } from './disk.ts';

const good = { format: 'qcow2', 'virtual-size': 2 ** 30, 'format-specific': { type: 'qcow2', data: { compat: '1.1' } } };

describe('a disk from somewhere', () => {
  it('is taken with its size when it stands for itself', () => {
    expect(virtualSizeOf(good, 'qcow2')).toBe(2 ** 30);
    expect(virtualSizeOf({ format: 'raw', 'virtual-size': 512 }, 'raw')).toBe(512);
  });

  it.each([
    ['has a backing file', { ...good, 'backing-filename': '/etc/shadow' }],
    ['has a backing file by protocol', { ...good, 'full-backing-filename': 'json:{"driver":"nbd"}' }],
    ['keeps its data in another file', { ...good, 'format-specific': { data: { 'data-file': '/dev/sda' } } }],
    ['says its data is raw elsewhere', { ...good, 'format-specific': { data: { 'data-file-raw': true } } }],
    ['is encrypted', { ...good, encrypted: true }],
    ['is encrypted by LUKS', { ...good, 'format-specific': { data: { encrypt: { format: 'luks' } } } }],
    ['is damaged', { ...good, 'format-specific': { data: { corrupt: true } } }],
    ['is of another format', { ...good, format: 'vmdk' }],
    ['claims to be absurdly large', { ...good, 'virtual-size': 2 ** 62 }],
    ['claims to be empty', { ...good, 'virtual-size': 0 }],
  ])('is refused when it %s', (_name, info) => {
    expect(() => virtualSizeOf(info, 'qcow2')).toThrow(expect.objectContaining({ code: 'unsupported', field: 'source' }));
  });

  it('is refused when qemu-img says nothing that can be read', () => {
    expect(() => virtualSizeOf(undefined, 'qcow2')).toThrow();
  });
});
