import { join } from 'node:path';
import { unreachable } from '@drover/shared/lib/assert';
import type { Clock } from '@drover/shared/lib/clock';
import { Problem } from '@drover/shared/lib/problem';
import type { ImageForm, ImageFormat, ImageSource, ImageSpec } from '@drover/shared/model/image';
import type { AgentConfig } from '../../config.ts';
import type { Progress } from '../progress.ts';
import { FORMATS_OF_FORM } from '../storage/driver.ts';
import { removeTree } from '../storage/durable.ts';
import { adoptRootfs } from './adopt.ts';
import { buildContainer } from './build-container.ts';
import { buildVm } from './build-vm.ts';
import { takeInDisc, takeInDisk } from './disk.ts';
import { fetchText, openUrl } from './http.ts';
import { unwrapLayers } from './layers.ts';
import type { ImageMaker, MadeImage } from './source.ts';
import { type Checksum, checksumOf, fileNameOf } from './sums.ts';
import { type Incoming, transfer } from './transfer.ts';
import { unpack } from './unpack.ts';

export interface ControlPlaneUploads {
  /** Bytes of an upload from `fromByte` on (GET UPLOAD_PATH with Range), by the host's own credentials. */
  downloadUpload(uploadId: string, fromByte: number, signal: AbortSignal): Promise<Incoming>;
}

export interface ImageMakerOptions {
  readonly config: Pick<AgentConfig, 'debianMirror'>;
  readonly controlPlane: ControlPlaneUploads;
  readonly clock: Clock;
  readonly log: (line: string) => void;
}

const DOWNLOAD_BYTES_MAX = 64 * 2 ** 30;
const SUMS_BYTES_MAX = 8 * 2 ** 20;
const CONTENT = 'content';

type SourceOf<D extends ImageSource['do']> = Extract<ImageSource, { do: D }>;

/** Makes images in the way that their source says. What it leaves in the folder beside the content is thrown away by whoever publishes. */
export function createImageMaker({ config, controlPlane, clock, log }: ImageMakerOptions): ImageMaker {
  async function build(form: ImageForm, source: SourceOf<'build'>, folder: string, progress: Progress, signal: AbortSignal) {
    if (form === 'iso') throw new Problem('bad-request', 'a disc cannot be built, only downloaded or uploaded', { field: 'form' });
    return form === 'vm' ? buildVm(config, source, folder, progress, signal) : buildContainer(config, source, folder, progress, signal);
  }

  async function download(form: ImageForm, source: SourceOf<'download'>, folder: string, progress: Progress, signal: AbortSignal) {
    assertFits(form, source.format);
    const what = fileNameOf(source.url);
    const checksum = await expectedChecksum(source, what, signal);
    const fetching = part(progress, 0, 0.8);
    await transfer(openUrl(source.url), join(folder, CONTENT), {
      what,
      checksum,
      clock,
      signal,
      progress: fetching,
      bytesMax: DOWNLOAD_BYTES_MAX,
    });
    return takeIn(form, source.format, folder, part(progress, 0.8, 1), signal);
  }

  async function upload(form: ImageForm, source: SourceOf<'upload'>, folder: string, progress: Progress, signal: AbortSignal) {
    assertFits(form, source.format);
    const open = (fromByte: number, inner: AbortSignal) => controlPlane.downloadUpload(source.uploadId, fromByte, inner);
    const checksum: Checksum = { algorithm: 'sha256', hex: source.sha256 };
    const fetching = part(progress, 0, 0.7);
    await transfer(open, join(folder, CONTENT), {
      what: 'the upload',
      checksum,
      clock,
      signal,
      progress: fetching,
      bytesMax: source.sizeBytes,
    });
    return takeIn(form, source.format, folder, part(progress, 0.7, 1), signal);
  }

  function make(form: ImageForm, source: ImageSource, folder: string, progress: Progress, signal: AbortSignal): Promise<MadeImage> {
    switch (source.do) {
      case 'build':
        return build(form, source, folder, progress, signal);
      case 'download':
        return download(form, source, folder, progress, signal);
      case 'upload':
        return upload(form, source, folder, progress, signal);
      default:
        return unreachable(source);
    }
  }

  return {
    async make(spec: ImageSpec, folder, progress, signal) {
      const { source, form } = spec;
      log(`image ${spec.name} (${form}): ${source.do}`);
      const steady = monotone(progress);
      const made = await make(form, source, folder, steady, signal);
      steady.report(1);
      return made;
    },
  };
}

function assertFits(form: ImageForm, format: ImageFormat): void {
  const formats = FORMATS_OF_FORM[form];
  if (!formats.includes(format))
    throw new Problem('bad-request', `an image of form ${form} does not come as ${format}, but as ${formats.join(', ')}`, {
      field: 'source.format',
    });
}

async function expectedChecksum(source: SourceOf<'download'>, file: string, signal: AbortSignal): Promise<Checksum> {
  if ('sha256' in source.checksum) return { algorithm: 'sha256', hex: source.checksum.sha256 };
  const { sumsUrl } = source.checksum;
  const found = checksumOf(await fetchText(sumsUrl, SUMS_BYTES_MAX, signal), file);
  if (found) return found;
  throw new Problem('checksum-mismatch', `${sumsUrl} has no SHA-256 or SHA-512 checksum of ${file}`, { field: 'source.checksum.sumsUrl' });
}

/** From a file as it came to the content of an image. */
async function takeIn(form: ImageForm, format: ImageFormat, folder: string, progress: Progress, signal: AbortSignal): Promise<MadeImage> {
  if (form === 'iso') {
    await takeInDisc(folder, CONTENT);
    return { virtualSizeBytes: null };
  }
  if (format === 'qcow2' || format === 'raw') {
    const made = await takeInDisk(folder, CONTENT, format, progress, signal);
    await removeTree(join(folder, CONTENT), signal);
    return made;
  }
  await unpack(folder, join(folder, CONTENT), progress, signal);
  await removeTree(join(folder, CONTENT), signal);
  await unwrapLayers(folder, progress, signal);
  progress.report(null, 'making it ready for containers');
  await adoptRootfs(folder, progress, signal);
  return { virtualSizeBytes: null };
}

/** One stage of several, as a part of the whole. */
const part = (progress: Progress, from: number, to: number): Progress => ({
  log: progress.log,
  report: (fraction, detail) => progress.report(fraction === null ? null : from + (to - from) * fraction, detail),
});

/** Never goes back; a stage without a number keeps the last one. */
function monotone(progress: Progress): Progress {
  let reached: number | null = null;
  return {
    log: (line) => progress.log(line),
    report(fraction, detail) {
      if (fraction !== null) reached = Math.max(reached ?? 0, Math.min(Math.max(fraction, 0), 1));
      progress.report(reached, detail);
    },
  };
}
