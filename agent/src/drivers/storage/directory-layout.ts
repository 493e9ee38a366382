import { join } from 'node:path';
import { Problem, problemOfInput } from '@drover/shared/lib/problem';
import { Disk } from '@drover/shared/model/guest';
import { GuestId, ImageId } from '@drover/shared/model/id';
import type { ImageForm } from '@drover/shared/model/image';
import { z } from 'zod';

/** Absolute, normalised, and of characters that mean nothing to mount, qemu-img and configuration files. */
export const PlainPath = z
  .string()
  .max(200)
  .regex(
    /^(\/[A-Za-z0-9_][A-Za-z0-9._-]*)+$/,
    'an absolute path of letters, digits, dots, hyphens and underscores, as in /var/lib/drover/storage',
  );

export const DirectoryConfig = z.strictObject({
  path: PlainPath.meta({ title: 'Folder', description: 'Where guests and images lie. Must be within a folder that the host allows.' }),
});

function checked<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw problemOfInput(parsed.error, what);
}

export const ROOT_FS = 'rootfs';
export const CONTENT_OF_FORM = { container: ROOT_FS, vm: 'disk.qcow2', iso: 'disc.iso' } as const satisfies Record<ImageForm, string>;

/** Every path of a directory storage. Ids are the only parts that come from outside: each is checked again here, whoever checked it before. */
export function layoutOf(root: string) {
  const guests = join(root, 'guests');
  const images = join(root, 'images');
  const staging = join(root, 'staging');
  const guest = (id: number) => join(guests, String(checked(GuestId, id, 'guest id')));
  const diskName = (name: string) => checked(Disk.shape.name, name, 'disk name');
  const disk = (guestId: number, name: string) => {
    const folder = join(guest(guestId), 'disks', diskName(name));
    return {
      folder,
      record: join(folder, 'disk.json'),
      file: join(folder, 'disk.qcow2'),
      rootfs: join(folder, ROOT_FS),
      upper: join(folder, 'upper'),
      work: join(folder, 'work'),
    };
  };
  const imageId = (id: string) => checked(ImageId, id, 'image id');
  const image = (id: string) => ({
    folder: join(images, imageId(id)),
    record: join(images, imageId(id), 'image.json'),
    content: (form: ImageForm) => join(images, imageId(id), CONTENT_OF_FORM[form]),
  });
  return {
    root,
    mark: join(root, 'drover-storage.json'),
    guests,
    images,
    staging,
    guest,
    disks: (guestId: number) => join(guest(guestId), 'disks'),
    disk,
    /** Dots: no name or id begins so. */
    diskMaking: (guestId: number, name: string) => join(guest(guestId), 'disks', `.${diskName(name)}.new`),
    diskGone: (guestId: number, name: string) => join(guest(guestId), 'disks', `.${diskName(name)}.gone`),
    guestGone: (guestId: number) => join(guests, `.${checked(GuestId, guestId, 'guest id')}.gone`),
    image,
    imageGone: (id: string) => join(images, `.${imageId(id)}.gone`),
    stagingOf: (id: string) => join(staging, imageId(id)),
    overlayTrial: join(staging, '.overlay-trial'),
  };
}
export type Layout = ReturnType<typeof layoutOf>;

/** Whose folder a name among the guests' is; null: nobody's. `isGoing`: its removal has begun (`guestGone`). */
export function guestNamed(name: string): { readonly id: number; readonly isGoing: boolean } | null {
  const [, there, going] = /^(?:([1-9]\d*)|\.([1-9]\d*)\.gone)$/.exec(name) ?? [];
  const id = GuestId.safeParse(Number(there ?? going));
  return id.success ? { id: id.data, isGoing: going !== undefined } : null;
}

/** The settings, parsed, and within what the host's owner allows. */
export function openedPath(config: unknown, storagePaths: readonly string[]): string {
  const { path } = checked(DirectoryConfig, config, 'settings of the storage');
  if (isWithin(path, storagePaths)) return path;
  throw new Problem('not-allowed', `this host keeps no guests in ${path}`, {
    field: 'config.path',
    suggestion: `use a folder in ${storagePaths.join(' or ')}, or add it to storagePaths in the agent.json of the host`,
  });
}

export function isWithin(path: string, folders: readonly string[]): boolean {
  return folders.some((folder) => {
    const base = folder.replace(/\/+$/, '');
    return path === base || path.startsWith(`${base}/`);
  });
}
