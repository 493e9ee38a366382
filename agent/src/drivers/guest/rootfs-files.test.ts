import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { run } from '../../host/shell.ts';
import { hostsFile } from './lxc-identity.ts';
import { RootfsFiles } from './rootfs-files.ts';

const OWNER = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
let base: string;
let root: string;
let files: RootfsFiles;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'drover-rootfs-'));
  root = join(base, 'rootfs');
  mkdirSync(join(root, 'etc'), { recursive: true });
  files = new RootfsFiles(root, OWNER);
});
afterEach(() => rmSync(base, { recursive: true }));

describe("files in a guest's root file system", () => {
  it('are written with their mode, and read again', () => {
    files.write(['etc'], 'hostname', 'web\n', 0o644);
    expect(files.read(['etc'], 'hostname')).toBe('web\n');
    expect(statSync(join(root, 'etc/hostname')).mode & 0o777).toBe(0o644);
  });

  it('replace a link instead of following it', () => {
    writeFileSync(join(base, 'outside'), 'of the host');
    symlinkSync(join(base, 'outside'), join(root, 'etc/hostname'));
    symlinkSync(join(base, 'outside'), join(root, 'etc/.drover-hostname'));
    expect(files.read(['etc'], 'hostname')).toBeNull();
    files.write(['etc'], 'hostname', 'web\n', 0o644);
    expect(readFileSync(join(base, 'outside'), 'utf8')).toBe('of the host');
    expect(readFileSync(join(root, 'etc/hostname'), 'utf8')).toBe('web\n');
  });

  it('are not reached through a folder that is a link', () => {
    mkdirSync(join(base, 'outside'));
    symlinkSync(join(base, 'outside'), join(root, 'root'));
    expect(() => files.makeFolder(['root'], '.ssh', 0o700)).toThrow(expect.objectContaining({ code: 'unsupported' }));
    expect(() => files.write(['root'], 'authorized_keys', '', 0o600)).toThrow('plain folder');
    symlinkSync(join(base, 'outside'), join(root, 'etc/ssh'));
    files.makeFolder(['etc'], 'ssh', 0o700);
    expect(() => files.write(['etc', 'ssh'], 'key', '', 0o600)).toThrow('plain folder');
    expect(existsSync(join(base, 'outside/key'))).toBe(false);
  });

  it('are not waited for when a pipe stands in their place', async () => {
    await run('mkfifo', [join(root, 'etc/hosts')]);
    expect(files.read(['etc'], 'hosts')).toBeNull();
  });

  it('are not read when they are folders, or without end', () => {
    mkdirSync(join(root, 'etc/hosts'));
    expect(files.read(['etc'], 'hosts')).toBeNull();
    writeFileSync(join(root, 'etc/big'), 'x'.repeat(2 ** 20 + 1));
    expect(files.read(['etc'], 'big')).toBeNull();
  });

  it('leave a folder that is there as it is', () => {
    mkdirSync(join(root, 'etc/ssh'));
    chmodSync(join(root, 'etc/ssh'), 0o755);
    files.makeFolder(['etc'], 'ssh', 0o700);
    expect(statSync(join(root, 'etc/ssh')).mode & 0o777).toBe(0o755);
  });
});

it('the hosts file keeps what the image says and names the guest once', () => {
  expect(hostsFile('127.0.0.1\tlocalhost\n127.0.1.1\told\n10.0.0.1 registry\n', 'web')).toBe(
    '127.0.0.1\tlocalhost\n127.0.1.1\tweb\n10.0.0.1 registry\n',
  );
  expect(hostsFile(null, 'web')).toBe('127.0.0.1\tlocalhost\n127.0.1.1\tweb\n::1\tlocalhost ip6-localhost ip6-loopback\n');
  expect(hostsFile('', 'web')).toBe('127.0.1.1\tweb\n');
});
