import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '@drover/shared/lib/clock';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fetchText, openUrl } from './http.ts';
import { sizeDetail, transfer } from './transfer.ts';

const CONTENT = Buffer.alloc(300_000, 'drover ');
const checksum = { algorithm: 'sha256', hex: createHash('sha256').update(CONTENT).digest('hex') } as const;
/** Waits pass at once; nothing is ever idle. */
const clock: Clock = { now: () => 0, sleep: async () => {}, after: () => () => {} };

let folder: string;
let server: Server | null = null;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'drover-transfer-'));
});
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = null;
  rmSync(folder, { recursive: true });
});

async function serve(listener: RequestListener): Promise<string> {
  const listening = createServer(listener);
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  // listen(0) on TCP gives an AddressInfo.
  return `http://127.0.0.1:${(listening.address() as AddressInfo).port}`;
}

function bring(
  url: string,
  change: { bytesMax?: number; signal?: AbortSignal; checksum?: typeof checksum | { algorithm: 'sha256'; hex: string } } = {},
) {
  const seen = { fractions: [] as (number | null)[], lines: [] as string[] };
  const progress = { report: (fraction: number | null) => seen.fractions.push(fraction), log: (line: string) => seen.lines.push(line) };
  const done = transfer(openUrl(url), join(folder, 'file'), {
    what: 'disk.qcow2',
    bytesMax: change.bytesMax ?? 2 ** 30,
    checksum: change.checksum ?? checksum,
    clock,
    progress,
    signal: change.signal ?? AbortSignal.timeout(20_000),
  });
  return { done, seen };
}
const arrived = () => readFileSync(join(folder, 'file'));

describe('a download', () => {
  it('arrives whole, with its progress', async () => {
    const url = await serve((_request, response) => response.writeHead(200, { 'content-length': CONTENT.length }).end(CONTENT));
    const { done, seen } = bring(url);
    await done;
    expect(arrived().equals(CONTENT)).toBe(true);
    expect(seen.fractions.at(-1)).toBe(1);
  });

  it('goes on where a broken connection left it, when it is still the same file', async () => {
    const asked: (string | undefined)[] = [];
    const url = await serve((request, response) => {
      asked.push(request.headers.range);
      const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
      if (from > 0) {
        expect(request.headers['if-range']).toBe('"v1"');
        response.writeHead(206, { 'content-range': `bytes ${from}-${CONTENT.length - 1}/${CONTENT.length}` }).end(CONTENT.subarray(from));
      } else {
        response.writeHead(200, { 'content-length': CONTENT.length, etag: '"v1"' });
        response.write(CONTENT.subarray(0, 100_000), () => response.destroy());
      }
    });
    const { done, seen } = bring(url);
    await done;
    expect(arrived().equals(CONTENT)).toBe(true);
    expect(asked).toEqual([undefined, expect.stringMatching(/^bytes=\d+-$/)]);
    const fractions = seen.fractions.filter((fraction) => fraction !== null);
    expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
  });

  it('begins anew when the file was replaced meanwhile', async () => {
    let requests = 0;
    const url = await serve((_request, response) => {
      requests++;
      response.writeHead(200, { 'content-length': CONTENT.length, etag: `"v${requests}"` });
      if (requests === 1) response.write(Buffer.alloc(200_000, 'old'), () => response.destroy());
      else response.end(CONTENT);
    });
    await bring(url).done;
    expect(arrived().equals(CONTENT)).toBe(true);
  });

  it('is refused when it is not what was expected', async () => {
    const url = await serve((_request, response) => response.end('something else'));
    await expect(bring(url).done).rejects.toMatchObject({ code: 'checksum-mismatch' });
  });

  it('is refused when it is too large, said or unsaid', async () => {
    const said = await serve((_request, response) => response.writeHead(200, { 'content-length': CONTENT.length }).end(CONTENT));
    await expect(bring(said, { bytesMax: 1_000 }).done).rejects.toMatchObject({ code: 'too-large' });
    rmSync(join(folder, 'file'));
    server?.close();
    const unsaid = await serve((_request, response) => {
      response.write(CONTENT.subarray(0, 150_000));
      response.end(CONTENT.subarray(150_000));
    });
    await expect(bring(unsaid, { bytesMax: 1_000 }).done).rejects.toMatchObject({ code: 'too-large' });
  });

  it('is not tried again when the file is not there', async () => {
    let requests = 0;
    const url = await serve((_request, response) => {
      requests++;
      response.writeHead(404).end();
    });
    await expect(bring(url).done).rejects.toMatchObject({ code: 'host-failed', retryable: false, message: expect.stringContaining('404') });
    expect(requests).toBe(1);
  });

  it('gives up after a few tries of a server that fails', async () => {
    let requests = 0;
    const url = await serve((_request, response) => {
      requests++;
      response.writeHead(503).end();
    });
    await expect(bring(url).done).rejects.toMatchObject({ code: 'host-failed', retryable: true });
    expect(requests).toBe(6);
  });

  it('follows redirects over http and https only', async () => {
    const url = await serve((request, response) => {
      if (request.url === '/to-file') response.writeHead(302, { location: 'file:///etc/shadow' }).end();
      else if (request.url === '/to-ok') response.writeHead(301, { location: '/ok' }).end();
      else if (request.url === '/ok') response.end(CONTENT);
      else response.writeHead(302, { location: '/round' }).end();
    });
    await bring(`${url}/to-ok`).done;
    rmSync(join(folder, 'file'));
    await expect(bring(`${url}/to-file`).done).rejects.toMatchObject({ code: 'bad-request', field: 'source.url' });
    rmSync(join(folder, 'file'));
    await expect(bring(`${url}/round`).done).rejects.toMatchObject({ code: 'host-failed' });
  });

  it('ends at once when it is cancelled', async () => {
    const abort = new AbortController();
    const url = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': CONTENT.length });
      response.write(CONTENT.subarray(0, 10), () => abort.abort());
    });
    await expect(bring(url, { signal: abort.signal }).done).rejects.toMatchObject({ code: 'cancelled' });
  });
});

it('a list of checksums is not read without end', async () => {
  const url = await serve((_request, response) => response.end(CONTENT));
  await expect(fetchText(url, 1_000, AbortSignal.timeout(5_000))).rejects.toMatchObject({ code: 'too-large' });
});

it('sizes are told in MiB', () => {
  expect([sizeDetail(13_002_342, 83_886_080), sizeDetail(2 ** 30, 2 ** 31), sizeDetail(0, null)]).toEqual([
    '12.4 of 80.0 MiB',
    '1024 of 2048 MiB',
    '0.0 MiB',
  ]);
});
