import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { basename } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { UploadImage } from '@drover/shared/api/requests';
import { accepted, ImageView } from '@drover/shared/api/views';
import type { z } from 'zod';
import { type Answer, type Client, refusal } from './client.ts';
import { messageOf } from './contexts.ts';
import { CliError } from './error.ts';
import { cut } from './print.ts';
import type { Terminal } from './terminal.ts';
import { formatBytes, formatDuration } from './units.ts';

const Accepted = accepted(ImageView);
const SHOWN_EVERY_MS = 200;

/** Streams a file to the control plane, and checks that what arrived is what was read. */
export async function uploadFile(
  client: Client,
  terminal: Terminal,
  path: string,
  query: UploadImage,
): Promise<Answer<z.output<typeof Accepted>>> {
  const found = await stat(path).catch((error: unknown) => {
    throw new CliError('usage', `${path} cannot be read: ${messageOf(error)}`, { cause: error });
  });
  if (!found.isFile() || found.size === 0) throw new CliError('usage', `${path} is ${found.isFile() ? 'empty' : 'not a file'}`);

  const url = client.url('/images/upload', query);
  const headers = {
    'authorization': `Bearer ${client.target.token}`,
    'content-type': 'application/octet-stream',
    'content-length': String(found.size),
    'accept': 'application/json',
  };
  const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, { method: 'POST', headers });
  const answered = new Promise<IncomingMessage>((resolve, reject) => request.once('response', resolve).once('error', reject));
  // Whichever comes first is reported; the other must not count as unhandled.
  answered.catch(() => undefined);

  const hash = createHash('sha256');
  const meter = createMeter(terminal, basename(path), found.size);
  const sending = pipeline(
    createReadStream(path, { highWaterMark: 1 << 20, end: found.size - 1 }),
    new Transform({
      highWaterMark: 1 << 20,
      transform(chunk: Buffer, _encoding, done) {
        hash.update(chunk);
        meter.add(chunk.length);
        done(null, chunk);
      },
    }),
    request,
  );
  try {
    // A refusal may come while the file is still being sent.
    const response = await Promise.race([answered, sending.then(() => answered)]).catch(async (error: unknown) => {
      const early = await Promise.race([answered.catch(() => null), Promise.resolve(null)]);
      if (early) return early;
      throw new CliError('unreachable', `the upload to ${client.target.url} broke off: ${messageOf(error)}`, { cause: error });
    });
    const raw = await bodyOf(response);
    const status = response.statusCode ?? 0;
    if (status < 200 || status > 299) throw refusal({ status }, raw, client.target);
    const value = Accepted.parse(raw);
    await sending;
    const sha256 = hash.digest('hex');
    const { source } = value.resource;
    if (source.do === 'upload' && source.sha256 !== sha256) {
      throw new CliError('failed', `what arrived (SHA-256 ${source.sha256}) is not what was read (${sha256})`, {
        suggestion: 'did the file change meanwhile? Delete the image and upload again',
      });
    }
    meter.finish(sha256);
    return { value, raw };
  } finally {
    meter.leave();
    request.destroy();
    sending.catch(() => undefined);
  }
}

async function bodyOf(response: IncomingMessage): Promise<unknown> {
  let text = '';
  response.setEncoding('utf8');
  for await (const chunk of response) text += chunk;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** A bar on a terminal; elsewhere one line at the end. */
function createMeter(terminal: Terminal, name: string, sizeBytes: number) {
  const startedAtMs = Date.now();
  let sentBytes = 0;
  let shownAtMs = 0;
  let isShown = false;
  const wipe = () => {
    if (isShown) terminal.err('\r\u001b[K');
    isShown = false;
  };
  return {
    add(bytes: number) {
      sentBytes += bytes;
      const nowMs = Date.now();
      if (!terminal.isErrTty || nowMs - shownAtMs < SHOWN_EVERY_MS) return;
      shownAtMs = nowMs;
      const rate = sentBytes / Math.max(0.001, (nowMs - startedAtMs) / 1_000);
      const left = formatDuration(((sentBytes === 0 ? sizeBytes : sizeBytes - sentBytes) / Math.max(1, rate)) * 1_000);
      const percent = String(Math.floor((sentBytes / sizeBytes) * 100)).padStart(3);
      const line = `uploading ${name} ${percent} %  ${formatBytes(sentBytes)} of ${formatBytes(sizeBytes)}  ${formatBytes(Math.round(rate))}/s  ${left} left`;
      terminal.err(`\r\u001b[K${cut(line, terminal.columns - 1)}`);
      isShown = true;
    },
    finish(sha256: string) {
      wipe();
      terminal.err(`uploaded ${name}: ${formatBytes(sizeBytes)} in ${formatDuration(Date.now() - startedAtMs)}, SHA-256 ${sha256}\n`);
    },
    leave: wipe,
  };
}
