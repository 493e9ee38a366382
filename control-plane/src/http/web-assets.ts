import { reply } from './reply.ts';

/** The built web page, as files in memory or wherever the runtime keeps them. */
export interface WebAssets {
  /** `path` begins with a slash; null: there is no such file. */
  get(path: string): Promise<WebAsset | null>;
}

export interface WebAsset {
  readonly contentType: string;
  /** Its name changes with its content: it may be kept for ever. */
  readonly isImmutable: boolean;
  readonly etag: string;
  readonly identity: Uint8Array<ArrayBuffer>;
  readonly gzip: Uint8Array<ArrayBuffer> | null;
  readonly brotli: Uint8Array<ArrayBuffer> | null;
}

/** Answers a page's address: with the file of that name, or with index.html, whose script knows the page's own addresses. */
export async function serveAsset(assets: WebAssets, request: Request): Promise<Response | null> {
  const { pathname } = new URL(request.url);
  // A page's own address may have dots too, as in /images/ubuntu-24.04.
  const isFile = pathname.startsWith('/assets/') || /\.(js|css|map|json|webmanifest|html|txt|svg|png|ico|woff2)$/.test(pathname);
  const asset = (await assets.get(pathname)) ?? (isFile ? null : await assets.get('/index.html'));
  if (!asset) return null;
  const headers: Record<string, string> = {
    'content-type': asset.contentType,
    'cache-control': asset.isImmutable ? 'public, max-age=31536000, immutable' : 'no-cache',
    'etag': asset.etag,
    'vary': 'accept-encoding',
  };
  if (request.headers.get('if-none-match') === asset.etag) return reply(null, { status: 304, headers });
  const accepted = request.headers.get('accept-encoding') ?? '';
  for (const [name, bytes] of [
    ['br', asset.brotli],
    ['gzip', asset.gzip],
  ] as const) {
    if (bytes && new RegExp(`\\b${name}\\b(?!;q=0(\\.0*)?(,|$))`).test(accepted)) {
      return reply(bytes, { headers: { ...headers, 'content-encoding': name } });
    }
  }
  return reply(asset.identity, { headers });
}
