import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { extname, join, normalize, sep } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import type { WebAsset, WebAssets } from '../http/web-assets.ts';

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
};
const COMPRESSIBLE = /^(text\/|application\/(json|manifest)|image\/svg)/;

/** The built page from a folder, read and compressed once each; null when it was not built. */
export function webFiles(folder: string): WebAssets | null {
  if (!existsSync(join(folder, 'index.html'))) return null;
  const root = normalize(`${folder}${sep}`);
  const assets = new Map<string, WebAsset | null>();
  return {
    async get(path) {
      const known = assets.get(path);
      if (known !== undefined) return known;
      const asset = load(root, path);
      // Paths that do not exist are not remembered: anybody may think up any number of them.
      if (asset) assets.set(path, asset);
      return asset;
    },
  };
}

function load(root: string, path: string): WebAsset | null {
  const file = join(root, path);
  const contentType = CONTENT_TYPES[extname(file)];
  if (!contentType || path.includes('\0') || !file.startsWith(root)) return null;
  let identity: Uint8Array<ArrayBuffer>;
  try {
    identity = new Uint8Array(readFileSync(file));
  } catch {
    // Whatever the reason, there is nothing to serve.
    return null;
  }
  const isWorthIt = COMPRESSIBLE.test(contentType) && identity.length > 1_000;
  return {
    contentType,
    // Vite puts a hash of the content into the names of what it places there.
    isImmutable: path.startsWith('/assets/'),
    etag: `"${createHash('sha256').update(identity).digest('base64url').slice(0, 20)}"`,
    identity,
    gzip: isWorthIt ? new Uint8Array(gzipSync(identity, { level: 9 })) : null,
    brotli: isWorthIt ? new Uint8Array(brotliCompressSync(identity, { params: { [constants.BROTLI_PARAM_QUALITY]: 6 } })) : null,
  };
}
