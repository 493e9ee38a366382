/** The two archive formats that a Debian package is made of, written whole from memory. The same input gives the same bytes. */
import { gzipSync } from 'node:zlib';

const BLOCK = 512;

/**
 * A gzipped ustar archive. `entries`: `{ path, mode, body }`, paths without a leading slash, of up to 100 bytes; folders above them are
 * added. Everything belongs to root; `timeS`, in seconds, is when.
 */
export function tarGz(entries, timeS) {
  const paths = new Set(entries.map(({ path }) => path));
  const folders = new Set();
  for (const path of paths)
    for (let cut = path.lastIndexOf('/'); cut > 0; cut = path.lastIndexOf('/', cut - 1)) folders.add(path.slice(0, cut));
  const all = [
    { path: './', mode: 0o755, body: null },
    ...[...folders].map((path) => ({ path: `./${path}/`, mode: 0o755, body: null })),
    ...entries.map((entry) => ({ ...entry, path: `./${entry.path}`, body: Buffer.from(entry.body) })),
  ].sort((a, b) => (a.path < b.path ? -1 : 1));
  const blocks = all.flatMap(({ path, mode, body }) => [
    tarHeader(path, mode, body, timeS),
    ...(body ? [body, padding(body.length, BLOCK)] : []),
  ]);
  const bytes = gzipSync(Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)]), { level: 9 });
  // Which system packed it is nobody's business: 255 is "unknown".
  bytes[9] = 255;
  return bytes;
}

function tarHeader(path, mode, body, timeS) {
  if (Buffer.byteLength(path) > 100) throw new Error(`${path} is too long a path for this archive`);
  const header = Buffer.alloc(BLOCK);
  const octal = (value, at, length) => header.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at, 'ascii');
  header.write(path, 0, 'utf8');
  octal(mode, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(body?.length ?? 0, 124, 12);
  octal(timeS, 136, 12);
  header.write('        ', 148, 'ascii');
  header.write(body ? '0' : '5', 156, 'ascii');
  header.write('ustar\x0000', 257, 'latin1');
  header.write('root', 265, 'ascii');
  header.write('root', 297, 'ascii');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'ascii');
  return header;
}

/** An `ar` archive of `{ name, body }`, in this order. */
export function ar(members, timeS) {
  const parts = members.flatMap(({ name, body }) => [
    Buffer.from(`${name.padEnd(16)}${String(timeS).padEnd(12)}0     0     100644  ${String(body.length).padEnd(10)}\`\n`),
    body,
    ...(body.length % 2 === 0 ? [] : [Buffer.from('\n')]),
  ]);
  return Buffer.concat([Buffer.from('!<arch>\n'), ...parts]);
}

const padding = (length, unit) => Buffer.alloc((unit - (length % unit)) % unit);
