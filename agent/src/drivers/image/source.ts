import type { ImageSpec } from '@drover/shared/model/image';
import type { Progress } from '../progress.ts';

/** What one way of making images yields in the staging folder: rootfs/, disk.qcow2 or disc.iso. */
export interface MadeImage {
  /** For disks: the size a guest sees. */
  readonly virtualSizeBytes: number | null;
}

export interface ImageMaker {
  /** Fills `folder` with the image, from its source, checksums checked; throws Problem and leaves the folder to be thrown away. */
  make(spec: ImageSpec, folder: string, progress: Progress, signal: AbortSignal): Promise<MadeImage>;
}
