import type { AppDeps } from './deps.ts';

/** Where the caller believes to be talking to. A proxy that ends TLS says so by X-Forwarded-Proto; a caller who lies with it only fools itself. */
export function originOf(request: Request): string {
  const url = new URL(request.url);
  const forwarded = request.headers.get('x-forwarded-proto');
  const scheme = forwarded === 'https' || forwarded === 'http' ? forwarded : url.protocol.slice(0, -1);
  return `${scheme}://${url.host}`;
}

export const socketOriginOf = (request: Request): string => originOf(request).replace(/^http/, 'ws');

/** Whether a browser sent this from one of our own pages. `unsaid`: it was no browser. */
export function senderOf(request: Request): 'own' | 'foreign' | 'unsaid' {
  const site = request.headers.get('sec-fetch-site');
  if (site !== null) return site === 'same-origin' || site === 'none' ? 'own' : 'foreign';
  const origin = request.headers.get('origin');
  if (origin === null) return 'unsaid';
  return URL.canParse(origin) && new URL(origin).host === new URL(request.url).host ? 'own' : 'foreign';
}

/** Where another machine finds this one: who asks from here says localhost, which there means another. */
export function hostUrl({ publicUrl, ownAddresses }: Pick<AppDeps, 'publicUrl' | 'ownAddresses'>, request: Request): string {
  if (publicUrl !== null) return publicUrl;
  const url = new URL(originOf(request));
  const [address] = ownAddresses();
  if (address !== undefined && /^(localhost|127\.[\d.]+|\[::1\])$/.test(url.hostname)) url.hostname = address;
  return url.origin;
}
