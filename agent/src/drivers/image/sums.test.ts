import { describe, expect, it } from 'vitest';
import { checksumOf, fileNameOf } from './sums.ts';

const A = 'a'.repeat(64);
const B = 'b'.repeat(128);

describe('a publisher’s list of checksums', () => {
  it.each([
    ['coreutils', `${A}  disk.qcow2\n${'c'.repeat(64)}  other.qcow2\n`],
    ['coreutils, binary', `${A} *disk.qcow2\r\n`],
    ['BSD', `# disk.qcow2: 12 bytes\nSHA256 (disk.qcow2) = ${A.toUpperCase()}\n`],
    ['with a folder', `${A}  ./disk.qcow2\n`],
    ['signed', `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n${A}  disk.qcow2\n-----BEGIN PGP SIGNATURE-----\n\niQ==\n`],
  ])('is read in the form of %s', (_name, text) => {
    expect(checksumOf(text, 'disk.qcow2')).toEqual({ algorithm: 'sha256', hex: A });
  });

  it('gives the strongest that it has', () => {
    expect(checksumOf(`${A}  d\n${B}  d\n`, 'd')).toEqual({ algorithm: 'sha512', hex: B });
    expect(checksumOf(`${B}  d\n${A}  d\n`, 'd')).toEqual({ algorithm: 'sha512', hex: B });
  });

  it.each([
    ['the file is not in it', `${A}  other\n`],
    ['only a part of its name is', `${A}  my-disk.qcow2\n${A}  disk.qcow2.sig\n`],
    ['it has only weak ones', `${'a'.repeat(32)}  disk.qcow2\n${'a'.repeat(40)}  disk.qcow2\n`],
    ['there are hashes and no names', `${A}\n${A}\n`],
    ['it is a web page', '<html><body>Not found</body></html>'],
  ])('gives none when %s', (_name, text) => {
    expect(checksumOf(text, 'disk.qcow2')).toBeNull();
  });

  it('may be nothing but the hash of the one file that it lies beside, as Alpine has it', () => {
    expect(checksumOf(`${B.toUpperCase()}\n`, 'disk.qcow2')).toEqual({ algorithm: 'sha512', hex: B });
    expect(checksumOf(A, 'disk.qcow2')).toEqual({ algorithm: 'sha256', hex: A });
    expect(checksumOf('a'.repeat(40), 'disk.qcow2')).toBeNull();
  });

  it('is not believed when it contradicts itself', () => {
    expect(() => checksumOf(`${A}  d\n${'c'.repeat(64)}  d\n`, 'd')).toThrow(expect.objectContaining({ code: 'checksum-mismatch' }));
  });
});

it('the name of a file is the last part of its URL’s path, without what follows', () => {
  expect(fileNameOf('https://x.org/a/b%2Bc.qcow2?x=/y#z')).toBe('b+c.qcow2');
  expect(fileNameOf('https://x.org/a/%zz')).toBe('%zz');
});
