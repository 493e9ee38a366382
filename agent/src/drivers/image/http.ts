import { Problem } from '@drover/shared/lib/problem';
import type { Incoming } from './transfer.ts';

const REDIRECTS_MAX = 8;

/** Follows redirects by itself, so that every hop is seen to be http or https. */
async function get(url: string, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Response> {
  let at = new URL(url);
  for (let hop = 0; hop <= REDIRECTS_MAX; hop++) {
    if (at.protocol !== 'https:' && at.protocol !== 'http:')
      throw new Problem('bad-request', `${url} leads to ${at.protocol} which is not fetched`, { field: 'source.url' });
    const response = await fetch(at, { headers: { ...headers, 'accept-encoding': 'identity' }, redirect: 'manual', signal });
    const location = response.headers.get('location');
    if (response.status < 300 || response.status >= 400 || location === null) return response;
    await response.body?.cancel();
    at = new URL(location, at);
  }
  throw new Problem('host-failed', `${url} redirects more than ${REDIRECTS_MAX} times`, { retryable: true });
}

const answered = (url: string, response: Response): Problem =>
  new Problem('host-failed', `${url} answered ${response.status} ${response.statusText}`.trim(), {
    field: 'source.url',
    // 408, 429 and errors of the server pass; a file that is not there stays away.
    retryable: response.status >= 500 || response.status === 408 || response.status === 429,
  });

/** Opens a URL from a byte on, as long as it is still the same file as at the first time. */
export function openUrl(url: string): (fromByte: number, signal: AbortSignal) => Promise<Incoming> {
  let mark: string | null = null;
  return async (fromByte, signal) => {
    const range: Record<string, string> = fromByte > 0 && mark !== null ? { range: `bytes=${fromByte}-`, 'if-range': mark } : {};
    const response = await get(url, range, signal);
    const incoming = await incomingOf(url, response);
    if (incoming.fromByte > 0) return incoming;
    const etag = response.headers.get('etag');
    mark = etag !== null && !etag.startsWith('W/') ? etag : response.headers.get('last-modified');
    return incoming;
  };
}

/** The bytes of an answer, whole (200) or from where the server says (206); throws Problem for any other answer. */
export async function incomingOf(url: string, response: Response): Promise<Incoming> {
  if (response.status === 206 && response.body) {
    const [, from, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '') ?? [];
    if (from === undefined) throw answered(url, response);
    return { fromByte: Number(from), totalBytes: total === '*' || total === undefined ? null : Number(total), body: response.body };
  }
  if (response.status !== 200 || !response.body) {
    await response.body?.cancel();
    throw answered(url, response);
  }
  const length = response.headers.get('content-length');
  return { fromByte: 0, totalBytes: length === null ? null : Number(length), body: response.body };
}

/** A small text, such as a list of checksums. */
export async function fetchText(url: string, bytesMax: number, signal: AbortSignal): Promise<string> {
  const response = await get(url, {}, AbortSignal.any([signal, AbortSignal.timeout(60_000)])).catch((cause: unknown) => {
    if (signal.aborted || cause instanceof Problem) throw cause;
    throw new Problem('host-failed', `${url} cannot be fetched: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
      retryable: true,
    });
  });
  if (!response.ok || !response.body) throw answered(url, response);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > bytesMax) throw new Problem('too-large', `${url} is larger than a list of checksums can be`, { field: 'source.checksum' });
  }
  return Buffer.concat(chunks).toString('utf8');
}
