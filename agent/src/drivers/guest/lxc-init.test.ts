import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { detectInit, resolveWithin } from './lxc-init.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'drover-rootfs-'));
  for (const folder of ['bin', 'sbin', 'usr/lib/systemd', 'usr/sbin']) mkdirSync(join(root, folder), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true }));

const link = (target: string, path: string) => symlinkSync(target, join(root, path));
const file = (path: string) => writeFileSync(join(root, path), '');

describe('the init of a root file system', () => {
  it('is systemd behind a relative or an absolute link', () => {
    file('usr/lib/systemd/systemd');
    link('../usr/lib/systemd/systemd', 'sbin/init');
    expect(detectInit(root)).toMatchObject({ command: '/sbin/init', haltSignal: { name: 'SIGRTMIN+3' }, ttys: 0 });
    rmSync(join(root, 'sbin/init'));
    link('/usr/lib/systemd/systemd', 'sbin/init');
    expect(detectInit(root)).toMatchObject({ haltSignal: { number: 37 } });
  });

  it('is found where folders are links themselves', () => {
    rmSync(join(root, 'sbin'), { recursive: true });
    link('usr/sbin', 'sbin');
    file('usr/lib/systemd/systemd');
    link('../lib/systemd/systemd', 'usr/sbin/init');
    expect(detectInit(root)).toMatchObject({ command: '/sbin/init', haltSignal: { name: 'SIGRTMIN+3' } });
  });

  it('is busybox, which is asked otherwise', () => {
    file('bin/busybox');
    link('/bin/busybox', 'sbin/init');
    expect(detectInit(root)).toMatchObject({ haltSignal: { name: 'SIGUSR2' }, rebootSignal: { name: 'SIGTERM' } });
  });

  it('is taken for one of System V when it is a program of its own', () => {
    file('sbin/init');
    expect(detectInit(root)).toMatchObject({ haltSignal: { name: 'SIGPWR' }, rebootSignal: { name: 'SIGINT' } });
  });

  it('must be there', () => {
    link('/nowhere', 'sbin/init');
    expect(() => detectInit(root)).toThrow(expect.objectContaining({ code: 'unsupported' }));
  });

  it('is never looked for outside, however its links are made', () => {
    link('../../../../../../../../../bin/sh', 'sbin/init');
    expect(() => detectInit(root)).toThrow('no init');
    link('loop', 'bin/loop');
    expect(resolveWithin(root, '/bin/loop')).toBeNull();
    link('/../..', 'up');
    expect(resolveWithin(root, '/up')).toBe('/');
  });
});
