import { CreateImage, UploadImage } from '@drover/shared/api/requests';
import { describe, expect, it } from 'vitest';
import { buildRequests, fetchRequests, uploadRequest } from './image-input.ts';

const SHA = 'a'.repeat(64);
const plain = (value: unknown) => JSON.parse(JSON.stringify(value));

describe('image build', () => {
  it('builds for containers and VMs unless one is chosen', () => {
    expect(plain(buildRequests('debian-13', {}))).toEqual([
      { name: 'debian-13', form: 'container' },
      { name: 'debian-13', form: 'vm' },
    ]);
    expect(buildRequests('debian-13', { vm: true })).toHaveLength(1);
  });

  it('builds one of your own from a suite and packages', () => {
    const [request] = buildRequests('web-base', { container: true, suite: 'trixie', package: ['nginx'] });
    expect(CreateImage.parse(request).source).toEqual({ do: 'build', suite: 'trixie', packages: ['nginx'] });
  });

  it.each([{ suite: 'sid' }, { package: ['nginx'] }, { iso: true }])('refuses %j', (options) => {
    expect(() => buildRequests('x', options)).toThrow(/^--/);
  });
});

describe('image fetch', () => {
  it('needs a checksum for an address of your own', () => {
    const url = 'https://example.org/netinst.iso';
    expect(() => fetchRequests('netinst', { url })).toThrow('--sha256 or --sums');
    const [request] = fetchRequests('netinst', { url, sha256: SHA.toUpperCase() });
    expect(CreateImage.parse(request)).toEqual({
      name: 'netinst',
      form: 'iso',
      source: { do: 'download', url, format: 'iso', checksum: { sha256: SHA } },
    });
  });

  it('refuses what has no meaning without an address', () =>
    expect(() => fetchRequests('debian-13', { sha256: SHA })).toThrow('--sha256 needs --url'));
});

describe('image upload', () => {
  it.each([
    ['/tmp/My Disk.QCOW2', { name: 'my-disk', form: 'vm', format: 'qcow2' }],
    ['rootfs.tar.zst', { name: 'rootfs', form: 'container', format: 'tar.zst' }],
    ['base.tgz', { name: 'base', form: 'container', format: 'tar.gz' }],
    ['debian-13.1.0-amd64-netinst.iso', { name: 'debian-13.1.0-amd64-netinst', form: 'iso', format: 'iso' }],
  ])('%s is taken for what it is', (path, expected) => expect(plain(UploadImage.parse(uploadRequest(path, {})))).toEqual(expected));

  it('asks for the format when the name does not tell', () => expect(() => uploadRequest('disk.img', {})).toThrow('--format is missing'));
  it('refuses two forms at once', () => expect(() => uploadRequest('a.iso', { vm: true, iso: true })).toThrow('choose one'));
});
