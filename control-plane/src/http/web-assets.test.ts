import { describe, expect, it } from 'vitest';
import { serveAsset, type WebAsset, type WebAssets } from './web-assets.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const file = (text: string, isImmutable = false): WebAsset => ({
  contentType: 'text/plain',
  isImmutable,
  etag: `"${text}"`,
  identity: bytes(text),
  gzip: bytes(`gzip ${text}`),
  brotli: bytes(`br ${text}`),
});
const FILES: Record<string, WebAsset> = { '/index.html': file('index'), '/assets/a-1.js': file('script', true) };
const assets: WebAssets = { get: async (path) => FILES[path] ?? null };

async function get(path: string, headers: Record<string, string> = {}) {
  const response = await serveAsset(assets, new Request(`http://drover.test${path}`, { headers }));
  if (!response) return null;
  const { status } = response;
  return {
    status,
    text: await response.text(),
    cache: response.headers.get('cache-control'),
    encoding: response.headers.get('content-encoding'),
  };
}

describe('serveAsset', () => {
  it('lets hashed files be kept for ever, and asks about the page each time', async () => {
    expect(await get('/assets/a-1.js')).toEqual({
      status: 200,
      text: 'script',
      cache: 'public, max-age=31536000, immutable',
      encoding: null,
    });
    expect(await get('/')).toEqual({ status: 200, text: 'index', cache: 'no-cache', encoding: null });
    expect(await get('/', { 'if-none-match': '"index"' })).toMatchObject({ status: 304, text: '' });
  });

  it.each(['/guests', '/guests/web', '/images/ubuntu-24.04', '/sign-in'])('%s is an address of the page', async (path) => {
    expect(await get(path)).toMatchObject({ text: 'index' });
  });

  it.each(['/assets/old-9.js', '/assets/', '/favicon.ico', '/robots.txt'])('%s is a file that is not there', async (path) => {
    expect(await get(path)).toBeNull();
  });

  it.each([
    ['gzip, deflate, br', 'br'],
    ['gzip', 'gzip'],
    ['br;q=0, gzip', 'gzip'],
    ['identity', null],
    ['brotli', null],
  ])('a browser that takes %s gets %s', async (accepted, encoding) => {
    expect(await get('/', { 'accept-encoding': accepted })).toMatchObject({ encoding, text: encoding ? `${encoding} index` : 'index' });
  });
});
