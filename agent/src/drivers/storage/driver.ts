import type { Disk, GuestType } from '@drover/shared/model/guest';
import type { DriverDescription } from '@drover/shared/model/host';
import type { ImageForm, ImageFormat } from '@drover/shared/model/image';
import type { DiskPlace } from '../guest/driver.ts';
import type { Progress } from '../progress.ts';

export interface ObservedImage {
  readonly id: string;
  readonly name: string;
  readonly form: ImageForm;
  readonly digest: string;
  readonly sizeBytes: number;
  readonly virtualSizeBytes: number | null;
  readonly madeAtMs: number;
}

/** Where an image is put together before it is published as a whole. */
export interface ImageStaging {
  /** An empty folder of this image's own, on the storage's file system. */
  readonly folder: string;
}

/** One storage of one host, bound to its parsed settings. Verbs are idempotent and throw Problem. */
export interface Storage {
  /** Makes sure that it is usable: folders, marks. Never formats anything. */
  ensure(signal: AbortSignal): Promise<void>;
  /** Is what `ensure` makes there and usable? Cheap; false, not an exception, when it is away. */
  ready(): Promise<boolean>;
  /** Is anything of what `ensure` makes to be seen? Cheap. */
  exists(): Promise<boolean>;
  capacity(): Promise<{ readonly totalBytes: number; readonly freeBytes: number }>;
  /** Removes what ensure made, if it is empty. */
  remove(signal: AbortSignal): Promise<void>;

  /** The folder for a guest's own files on this storage; there once the guest's first disk is. */
  guestFolder(guestId: number): string;
  /** Ids of guests that have a folder here. */
  listGuests(): Promise<readonly number[]>;
  removeGuestFolder(guestId: number): Promise<void>;

  diskExists(guestId: number, disk: Disk, type: GuestType): Promise<boolean>;
  /** Makes the disk whole or not at all: from its image (a linked clone where it can) or empty. */
  ensureDisk(
    guestId: number,
    disk: Disk,
    type: GuestType,
    options: { readonly unprivileged: boolean; readonly signal: AbortSignal },
  ): Promise<void>;
  diskPlace(guestId: number, disk: Disk, type: GuestType): DiskPlace;
  /** Readies a disk for its guest to start (mounts an overlay); undone by `releaseDisk`. */
  attachDisk(guestId: number, disk: Disk, type: GuestType, signal: AbortSignal): Promise<void>;
  releaseDisk(guestId: number, disk: Disk, type: GuestType, signal: AbortSignal): Promise<void>;
  removeDisk(guestId: number, disk: Disk, type: GuestType, signal: AbortSignal): Promise<void>;

  listImages(): Promise<readonly ObservedImage[]>;
  /** Path of an ISO or disk image as a whole. */
  imagePath(imageId: string): string;
  /** Throws away what an earlier try left behind and gives an empty folder. */
  stageImage(imageId: string): Promise<ImageStaging>;
  /** Publishes what lies in the staging folder (rootfs/, or disk.qcow2, or disc.iso), all or nothing. */
  publishImage(
    imageId: string,
    about: { readonly name: string; readonly form: ImageForm; readonly digest: string; readonly virtualSizeBytes: number | null },
    progress: Progress,
  ): Promise<void>;
  removeImage(imageId: string, signal: AbortSignal): Promise<void>;
}

export interface StorageDriver {
  readonly name: string;
  probe(): Promise<DriverDescription>;
  /** Parses the settings (throws Problem that names the field) and binds them. */
  open(id: string, config: unknown): Storage;
}

/** Content a format can bring for a form; anything else is refused before a byte is fetched. */
export const FORMATS_OF_FORM: Readonly<Record<ImageForm, readonly ImageFormat[]>> = {
  container: ['tar', 'tar.gz', 'tar.xz', 'tar.zst'],
  vm: ['qcow2', 'raw'],
  iso: ['iso'],
};
