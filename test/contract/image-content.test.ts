import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createImageMaker } from '@drover/agent/drivers/image/maker';
import { unpack } from '@drover/agent/drivers/image/unpack';
import { silentProgress } from '@drover/agent/drivers/progress';
import { realClock } from '@drover/shared/lib/clock';
import { type ImageForm, type ImageFormat, ImageSpec } from '@drover/shared/model/image';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const isRoot = process.getuid?.() === 0;
const signal = AbortSignal.timeout(600_000);
const SHIFT = 100_000;

let base: string;
let folder: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'drover-content-'));
  folder = join(base, 'staging');
  mkdirSync(folder, { mode: 0o700 });
});
afterEach(() => {
  rmSync(base, { recursive: true, force: true });
});

interface Entry {
  readonly name: string;
  readonly type?: 'file' | 'link' | 'hardlink' | 'directory' | 'character';
  readonly content?: string;
  readonly target?: string;
  readonly mode?: number;
  readonly uid?: number;
}

const TYPE_FLAG = { file: '0', hardlink: '1', link: '2', character: '3', directory: '5' } as const;

/** A tar archive by hand: no well-meaning program would write these. */
function tar(entries: readonly Entry[]): Buffer {
  const blocks = entries.flatMap(
    ({ name, type = 'file', content = '', target = '', mode = type === 'directory' ? 0o755 : 0o644, uid = 0 }) => {
      const header = Buffer.alloc(512);
      const octal = (value: number, width: number) => `${value.toString(8).padStart(width - 1, '0')}\0`;
      const body = Buffer.from(content);
      header.write(name, 0, 100);
      header.write(octal(mode, 8), 100);
      header.write(octal(uid, 8), 108);
      header.write(octal(uid, 8), 116);
      header.write(octal(body.length, 12), 124);
      header.write(octal(1_700_000_000, 12), 136);
      header.write('        ', 148);
      header.write(TYPE_FLAG[type], 156);
      header.write(target, 157, 100);
      header.write('ustar\x0000', 257);
      if (type === 'character') header.write(`${octal(1, 8)}${octal(3, 8)}`, 329);
      const sum = header.reduce((total, byte) => total + byte, 0);
      header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
      return [header, body, Buffer.alloc((512 - (body.length % 512)) % 512)];
    },
  );
  return Buffer.concat([...blocks, Buffer.alloc(10_240)]);
}

const SYSTEM: readonly Entry[] = [
  { name: './', type: 'directory' },
  { name: './sbin/', type: 'directory' },
  { name: './sbin/init', content: 'init', mode: 0o4755 },
  { name: './etc/', type: 'directory' },
  { name: './etc/passwd', content: 'root:x:0:0::/:/bin/sh\n', uid: 33 },
];

async function make(form: ImageForm, format: ImageFormat, content: Buffer, chunkBytes = 65_536) {
  const source = {
    do: 'upload',
    uploadId: 'a'.repeat(20),
    sizeBytes: content.length,
    format,
    sha256: createHash('sha256').update(content).digest('hex'),
  };
  const spec = ImageSpec.parse({ name: 'an-image', form, storageId: 'storage_00000001', source });
  const lines: string[] = [];
  const maker = createImageMaker({
    config: { debianMirror: 'http://127.0.0.1:9/debian' },
    controlPlane: {
      downloadUpload: async (_uploadId, fromByte) => ({
        fromByte,
        totalBytes: content.length,
        body: (async function* () {
          for (let at = fromByte; at < content.length; at += chunkBytes) yield content.subarray(at, at + chunkBytes);
        })(),
      }),
    },
    clock: realClock,
    log: () => {},
  });
  const progress = { report() {}, log: (line: string) => lines.push(line) };
  return { made: await maker.make(spec, folder, progress, signal), lines };
}
const inRoot = (path: string) => join(folder, 'rootfs', path);

describe.skipIf(!isRoot)('a root file system from somewhere', () => {
  it.each([
    ['tar', (plain: Buffer) => plain],
    ['tar.gz', (plain: Buffer) => execFileSync('gzip', { input: plain })],
    ['tar.xz', (plain: Buffer) => execFileSync('xz', { input: plain })],
    ['tar.zst', (plain: Buffer) => execFileSync('zstd', { input: plain })],
  ] as const)('comes as %s, with its owners shifted and its setuid programs', async (format, pack) => {
    await make('container', format, pack(tar(SYSTEM)));
    expect(lstatSync(inRoot('sbin/init'))).toMatchObject({ uid: SHIFT, mode: 0o104755 });
    expect(lstatSync(inRoot('etc/passwd')).uid).toBe(SHIFT + 33);
    expect(lstatSync(inRoot('')).uid).toBe(SHIFT);
  });

  it('never writes outside, by whatever trick', async () => {
    const canary = join(base, 'canary');
    mkdirSync(canary, { mode: 0o777 });
    execFileSync('chmod', ['777', canary, base]);
    const tricks: Readonly<Record<string, readonly Entry[]>> = {
      'dots': [{ name: `../canary/file`, content: 'x' }],
      'dots within': [{ name: `./etc/../../canary/file`, content: 'x' }],
      'an absolute name': [{ name: `${canary}/file`, content: 'x' }],
      'a link to the outside': [
        { name: './out', type: 'link', target: canary },
        { name: './out/file', content: 'x' },
      ],
      'a relative link to the outside': [
        { name: './out', type: 'link', target: '../../canary' },
        { name: './out/file', content: 'x' },
      ],
      'a link to a link': [
        { name: './one', type: 'link', target: '..' },
        { name: './two', type: 'link', target: 'one/../canary' },
        { name: './two/file', content: 'x' },
      ],
      'a folder that becomes a link': [
        { name: './swap/', type: 'directory' },
        { name: './swap', type: 'link', target: canary },
        { name: './swap/file', content: 'x' },
      ],
      'a hard link to a file of the host': [
        { name: './hard', type: 'hardlink', target: '/etc/shadow' },
        { name: './hard', content: 'x' },
      ],
      'a file in place of the archive': [{ name: './../content', content: 'x' }],
    };
    const shadow = readFileSync('/etc/shadow');
    for (const entries of Object.values(tricks)) {
      rmSync(folder, { recursive: true });
      mkdirSync(folder, { mode: 0o700 });
      // Refused or taken: what counts is where the bytes went.
      await make('container', 'tar', tar([...SYSTEM, ...entries])).catch(() => {});
      expect(readdirSync(canary)).toEqual([]);
    }
    expect(readFileSync('/etc/shadow').equals(shadow)).toBe(true);
    expect(readdirSync(base).sort()).toEqual(['canary', 'staging']);
  });

  it('brings no device nodes: those in /dev are left out, any other is refused', async () => {
    await make('container', 'tar', tar([...SYSTEM, { name: './dev/', type: 'directory' }, { name: './dev/null', type: 'character' }]));
    expect(readdirSync(inRoot('dev'))).toEqual([]);
    rmSync(folder, { recursive: true });
    mkdirSync(folder, { mode: 0o700 });
    const refused = make('container', 'tar', tar([...SYSTEM, { name: './etc/disk', type: 'character' }]));
    await expect(refused).rejects.toMatchObject({ code: 'unsupported', field: 'source' });
  });

  it('is refused when it holds too much', async () => {
    const archive = join(base, 'archive');
    writeFileSync(archive, tar([...SYSTEM, ...Array.from({ length: 200 }, (_value, index) => ({ name: `./f${index}` }))]));
    await expect(unpack(folder, archive, silentProgress, signal, { entriesMax: 100, bytesMax: 2 ** 40 })).rejects.toMatchObject({
      code: 'too-large',
    });
    rmSync(join(folder, 'rootfs'), { recursive: true });
    const zeros = join(base, 'zeros');
    execFileSync('truncate', ['-s', '64M', zeros]);
    // 64 MiB of nothing in a few KiB.
    execFileSync('sh', ['-c', 'tar -C "$0" -c zeros | gzip > "$0/bomb"', base]);
    const bomb = unpack(folder, join(base, 'bomb'), silentProgress, signal, { entriesMax: 100, bytesMax: 20 * 2 ** 20 });
    await expect(bomb).rejects.toMatchObject({ code: 'too-large' });
  });

  it('is refused when it is no archive, or holds no system', async () => {
    await expect(make('container', 'tar', Buffer.alloc(20_000, 'no archive'))).rejects.toMatchObject({
      code: 'unsupported',
      field: 'source',
    });
    rmSync(folder, { recursive: true });
    mkdirSync(folder, { mode: 0o700 });
    const program = tar([
      { name: './bin/', type: 'directory' },
      { name: './bin/hello', content: 'x', mode: 0o755 },
    ]);
    await expect(make('container', 'tar', program)).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('no init'),
    });
  });

  it.each([
    [
      'systemd-networkd',
      [
        { name: './usr/lib/systemd/system/', type: 'directory' },
        { name: './usr/lib/systemd/systemd-networkd', content: 'x', mode: 0o755 },
        { name: './usr/lib/systemd/systemd-resolved', content: 'x', mode: 0o755 },
        { name: './etc/cloud/', type: 'directory' },
        { name: './etc/resolv.conf', content: 'nameserver 192.0.2.1\n' },
      ],
      'etc/systemd/network/80-drover-dhcp.network',
    ],
    [
      'NetworkManager',
      [
        { name: './usr/lib/systemd/system/', type: 'directory' },
        { name: './usr/sbin/NetworkManager', content: 'x', mode: 0o755 },
      ],
      'etc/NetworkManager/system-connections/eth0.nmconnection',
    ],
    [
      'ifupdown',
      [
        { name: './sbin/openrc', content: 'x', mode: 0o755 },
        { name: './sbin/ifup', content: 'x', mode: 0o755 },
        { name: './etc/init.d/networking', content: 'x', mode: 0o755 },
      ],
      'etc/network/interfaces',
    ],
    [
      'busybox',
      [
        { name: './bin/busybox', content: 'x', mode: 0o755 },
        { name: './sbin/udhcpc', type: 'link', target: '/bin/busybox' },
      ],
      'etc/inittab',
    ],
  ] as const)('asks for its address by %s, if that is what it has', async (name, entries, file) => {
    const { lines } = await make('container', 'tar', tar([...SYSTEM, ...entries]));
    expect(lines).toContain(`address by ${name}`);
    expect(lstatSync(inRoot(file)).uid).toBe(SHIFT);
    expect(readFileSync(inRoot('etc/machine-id'), 'utf8')).toBe('');
  });

  it('follows no link of the archive when it is made ready', async () => {
    const canary = join(base, 'canary');
    writeFileSync(canary, 'untouched', { mode: 0o666 });
    execFileSync('chmod', ['666', canary]);
    const entries: readonly Entry[] = [
      { name: './sbin/openrc', content: 'x', mode: 0o755 },
      { name: './sbin/ifup', content: 'x', mode: 0o755 },
      { name: './etc/network', type: 'link', target: base },
      { name: './etc/machine-id', type: 'link', target: canary },
    ];
    await make('container', 'tar', tar([...SYSTEM, ...entries])).catch(() => {});
    expect(readFileSync(canary, 'utf8')).toBe('untouched');
    expect(existsSync(join(base, 'interfaces'))).toBe(false);
  });

  it('is taken out of its OCI wrapping, if it is one layer', async () => {
    const layer = execFileSync('gzip', { input: tar(SYSTEM) });
    const digest = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex');
    const wrap = (layers: readonly Buffer[]) => {
      const oci = join(base, `oci-${layers.length}`);
      mkdirSync(join(oci, 'blobs', 'sha256'), { recursive: true });
      const manifest = JSON.stringify({ layers: layers.map((bytes) => ({ digest: `sha256:${digest(bytes)}` })) });
      for (const bytes of [...layers, manifest]) writeFileSync(join(oci, 'blobs', 'sha256', digest(bytes)), bytes);
      writeFileSync(join(oci, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
      writeFileSync(join(oci, 'index.json'), JSON.stringify({ manifests: [{ digest: `sha256:${digest(manifest)}` }] }));
      return execFileSync('tar', ['-C', oci, '-c', '.'], { maxBuffer: 2 ** 26 });
    };
    await make('container', 'tar', wrap([layer]));
    expect(readdirSync(inRoot('')).sort()).toEqual(['etc', 'sbin']);
    rmSync(folder, { recursive: true });
    mkdirSync(folder, { mode: 0o700 });
    const two = make('container', 'tar', wrap([layer, execFileSync('gzip', { input: tar([{ name: './x' }]) })]));
    await expect(two).rejects.toMatchObject({ code: 'unsupported', message: expect.stringContaining('2 layers') });
  });

  it('with a wrapping whose layer is a link reads no file of the host', async () => {
    const hex = 'b'.repeat(64);
    const wrapped = tar([
      { name: './manifest.json', content: JSON.stringify([{ Layers: [`${hex}/layer.tar`] }]) },
      { name: `./${hex}/`, type: 'directory' },
      { name: `./${hex}/layer.tar`, type: 'link', target: '/etc/shadow' },
    ]);
    await expect(make('container', 'tar', wrapped)).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('link'),
    });
  });
});

describe.skipIf(!isRoot)('a disk from somewhere', () => {
  const qcow2 = (...args: string[]) => {
    const path = join(base, 'made.qcow2');
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', ...args, path, '64M']);
    return readFileSync(path);
  };

  it('becomes a clean qcow2', async () => {
    expect((await make('vm', 'qcow2', qcow2())).made).toEqual({ virtualSizeBytes: 64 * 2 ** 20 });
    expect(JSON.parse(execFileSync('qemu-img', ['info', '--output=json', join(folder, 'disk.qcow2')], { encoding: 'utf8' }))).toMatchObject(
      {
        format: 'qcow2',
        'virtual-size': 64 * 2 ** 20,
      },
    );
    expect(existsSync(join(folder, 'content'))).toBe(false);
  });

  it('may be raw, and is then read as nothing else', async () => {
    // A raw disk whose first bytes pretend to be a qcow2 with a backing file.
    const raw = Buffer.concat([qcow2('-u', '-b', '/etc/shadow', '-F', 'raw'), Buffer.alloc(512)]);
    await make('vm', 'raw', raw.subarray(0, raw.length - (raw.length % 512)));
    const info = JSON.parse(execFileSync('qemu-img', ['info', '--output=json', join(folder, 'disk.qcow2')], { encoding: 'utf8' }));
    expect(info['backing-filename']).toBeUndefined();
  });

  it.each([
    ['a layer over a file of the host', () => qcow2('-u', '-b', '/etc/shadow', '-F', 'raw')],
    ['a layer by a protocol', () => qcow2('-u', '-b', 'json:{"driver":"file","filename":"/etc/shadow"}', '-F', 'raw')],
    ['the head of one whose data lies elsewhere', () => qcow2('-o', `data_file=${join(base, 'elsewhere')}`)],
    ['no disk at all', () => Buffer.alloc(100_000, 'x')],
  ])('is refused when it is %s', async (_name, content) => {
    await expect(make('vm', 'qcow2', content())).rejects.toMatchObject({ code: 'unsupported', field: 'source' });
    expect(existsSync(join(folder, 'disk.qcow2'))).toBe(false);
  });

  it('is refused in a format that its form does not have, before a byte comes', async () => {
    await expect(make('vm', 'tar.gz', Buffer.alloc(10))).rejects.toMatchObject({ code: 'bad-request', field: 'source.format' });
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe.skipIf(!isRoot)('a disc from somewhere', () => {
  it('is taken when it says that it is one', async () => {
    const disc = Buffer.alloc(40_000);
    disc.write('CD001', 32_769);
    expect((await make('iso', 'iso', disc)).made).toEqual({ virtualSizeBytes: null });
    expect(readdirSync(folder)).toEqual(['disc.iso']);
  });

  it('is refused otherwise', async () => {
    await expect(make('iso', 'iso', Buffer.alloc(40_000))).rejects.toMatchObject({ code: 'unsupported', field: 'source.format' });
  });
});

it.skipIf(!isRoot)('a build that is cancelled leaves no process behind', async () => {
  const abort = new AbortController();
  const maker = createImageMaker({
    config: { debianMirror: 'http://127.0.0.1:9/debian' },
    controlPlane: { downloadUpload: () => Promise.reject(new Error('not asked')) },
    clock: realClock,
    log: () => {},
  });
  const spec = ImageSpec.parse({
    name: 'x1',
    form: 'container',
    storageId: 'storage_00000001',
    source: { do: 'build', suite: 'trixie', packages: [] },
  });
  const progress = { report: () => {}, log: (line: string) => (/running apt-get update/.test(line) ? abort.abort() : undefined) };
  await expect(maker.make(spec, folder, progress, abort.signal)).rejects.toMatchObject({ code: 'cancelled' });
  const left = readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, 'utf8').includes('TMPDIR=/mnt/tmp');
    } catch {
      // It ended while we looked, or is not ours to see.
      return false;
    }
  });
  expect(left).toEqual([]);
});
