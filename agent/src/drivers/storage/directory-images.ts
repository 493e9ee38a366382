import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '@drover/shared/lib/clock';
import { Problem } from '@drover/shared/lib/problem';
import type { GuestType } from '@drover/shared/model/guest';
import { ImageId, ImageName } from '@drover/shared/model/id';
import { ImageForm } from '@drover/shared/model/image';
import { z } from 'zod';
import { isMissing } from '../../host/durable-file.ts';
import { fileProblem } from '../../host/file-problem.ts';
import { run } from '../../host/shell.ts';
import type { Progress } from '../progress.ts';
import { CONTENT_OF_FORM, guestNamed, type Layout } from './directory-layout.ts';
import type { ImageStaging, ObservedImage } from './driver.ts';
import { discard, namesIn, publishFolder, removeTree, syncFile, syncTree, writeSynced } from './durable.ts';
import { ID_SHIFT } from './shifted.ts';

/** The image exists if, and only if, this lies in its folder: written last, published with it by one rename. */
const ImageRecord = z.strictObject({
  version: z.literal(1),
  id: ImageId,
  name: ImageName,
  form: ImageForm,
  digest: z.string().min(1).max(128),
  sizeBytes: z.number().int().min(0),
  virtualSizeBytes: z.number().int().min(0).nullable(),
  madeAtMs: z.number().int(),
});

export type ImageAbout = {
  readonly name: string;
  readonly form: ImageForm;
  readonly digest: string;
  readonly virtualSizeBytes: number | null;
};

export function directoryImages(layout: Layout, clock: Clock, log: (line: string) => void) {
  const inUse = new Map<string, number>();
  const leaving = new Set<string>();

  async function observe(id: string): Promise<ObservedImage | null> {
    const { record } = layout.image(id);
    try {
      const { version: _version, ...image } = ImageRecord.parse(JSON.parse(await readFile(record, 'utf8')));
      return image;
    } catch (thrown) {
      if (!isMissing(thrown)) log(`${record} is left alone: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
      return null;
    }
  }

  async function list(): Promise<readonly ObservedImage[]> {
    const ids = (await namesIn(layout.images)).filter((name) => ImageId.safeParse(name).success);
    return (await Promise.all(ids.map(observe))).filter((image) => image !== null);
  }

  async function stage(id: string): Promise<ImageStaging> {
    const folder = layout.stagingOf(id);
    await removeTree(folder);
    await mkdir(folder, { mode: 0o700 });
    return { folder };
  }

  async function publish(id: string, about: ImageAbout, progress: Progress): Promise<void> {
    const staged = layout.stagingOf(id);
    const present = await observe(id);
    const isStaged = (await namesIn(staged)).includes(CONTENT_OF_FORM[about.form]);
    if (present && present.digest === about.digest && present.form === about.form) return removeTree(staged);
    if (!isStaged)
      throw new Problem('host-failed', `there is no ${CONTENT_OF_FORM[about.form]} to publish as image ${about.name}`, { retryable: true });
    progress.report(null, 'writing to disk');
    const sizeBytes = await readyContent(join(staged, CONTENT_OF_FORM[about.form]), about.form);
    await keepOnly(staged, CONTENT_OF_FORM[about.form]);
    const record = ImageRecord.parse({ version: 1, id, ...about, sizeBytes, madeAtMs: clock.now() });
    await (about.form === 'container' ? syncTree(staged) : syncFile(join(staged, CONTENT_OF_FORM[about.form])));
    await writeSynced(join(staged, 'image.json'), JSON.stringify(record), 0o600);
    // It was the sandbox's that made it.
    await chown(staged, 0, 0);
    // Content that guests stand on is never changed under them.
    if (present) await remove(id);
    await removeTree(layout.image(id).folder);
    await publishFolder(staged, layout.image(id).folder);
  }

  async function remove(id: string, signal?: AbortSignal): Promise<void> {
    const { folder } = layout.image(id);
    if (inUse.has(id)) throw new Problem('busy', `image ${id} is just being used for a guest's disk`, { retryable: true });
    leaving.add(id);
    try {
      const guests = await guestsOn(id);
      if (guests.length > 0)
        throw new Problem('in-use', `the image stands under the disks of guest${guests.length > 1 ? 's' : ''} ${guests.join(', ')}`, {
          suggestion: 'delete those guests first',
          // They may be on their way out, or have got their disks only while it was being removed.
          retryable: true,
        });
      await discard(folder, layout.imageGone(id), signal);
      await removeTree(layout.stagingOf(id), signal);
    } finally {
      leaving.delete(id);
    }
  }

  /** Guests with a disk that is a layer over the image, or whose definition names it as the disc in their drive. */
  async function guestsOn(id: string): Promise<readonly number[]> {
    const standing: number[] = [];
    for (const guestId of (await guestsIn(layout)).there) {
      const names = await namesIn(layout.disks(guestId));
      const records = names.map((name) => join(layout.disks(guestId), name, 'disk.json'));
      const uses = await Promise.all([
        ...records.map((record) => mentions(record, 'standsOn', id)),
        mentions(join(layout.guest(guestId), 'guest.json'), 'cdromImageId', id),
      ]);
      if (uses.includes(true)) standing.push(guestId);
    }
    return standing;
  }

  async function using<T>(
    id: string,
    type: GuestType,
    use: (image: { path: string; virtualSizeBytes: number | null }) => Promise<T>,
  ): Promise<T> {
    if (leaving.has(id)) throw new Problem('not-found', `image ${id} is being removed`, { retryable: true });
    inUse.set(id, (inUse.get(id) ?? 0) + 1);
    try {
      const image = await observe(id);
      if (!image) throw new Problem('not-found', `image ${id} is not on this storage`, { retryable: true });
      if (image.form !== type)
        throw new Problem(
          'bad-request',
          `image ${image.name} is ${image.form === 'iso' ? 'a disc' : `for a ${image.form}`}, not for a ${type}`,
          {
            field: 'disks.0.imageId',
          },
        );
      return await use({ path: layout.image(id).content(image.form), virtualSizeBytes: image.virtualSizeBytes });
    } finally {
      const left = (inUse.get(id) ?? 1) - 1;
      if (left > 0) inUse.set(id, left);
      else inUse.delete(id);
    }
  }

  function path(id: string): string {
    const contents = ImageForm.options.map(layout.image(id).content);
    const found = contents.find((content) => existsSync(content));
    if (found) return found;
    throw new Problem('not-found', `image ${id} is not on this storage`, { retryable: true });
  }

  return { list, stage, publish, remove, using, path };
}

/** Guests that have a folder here, and those whose folder is being removed, or was when a power cut came between. */
export async function guestsIn(layout: Layout): Promise<{ readonly there: readonly number[]; readonly going: readonly number[] }> {
  const found = (await namesIn(layout.guests)).map(guestNamed).filter((guest) => guest !== null);
  return {
    there: found.filter(({ isGoing }) => !isGoing).map(({ id }) => id),
    going: found.filter(({ isGoing }) => isGoing).map(({ id }) => id),
  };
}

async function readyContent(path: string, form: ImageForm): Promise<number> {
  const { stdout } = await run('du', ['--summarize', '--block-size=1', '--', path], { timeoutMs: 600_000 });
  if (form === 'container') {
    const { uid } = await stat(path);
    if (uid !== ID_SHIFT.first)
      throw new Problem('host-failed', `the root file system belongs to ${uid}, not to the shifted root ${ID_SHIFT.first}`);
  } else {
    await chown(path, 0, 0);
    await chmod(path, 0o400);
  }
  return Number(/^\d+/.exec(stdout)?.[0] ?? 0);
}

async function keepOnly(folder: string, content: string): Promise<void> {
  for (const name of await namesIn(folder)) if (name !== content) await removeTree(join(folder, name));
}

/** A record of another version is asked the same: what cannot be read must not look unused. */
async function mentions(file: string, field: string, id: string): Promise<boolean> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    if (isMissing(cause)) return '';
    throw fileProblem(cause, `reading ${file}`);
  });
  return new RegExp(`"${field}"\\s*:\\s*"${id}"`).test(text);
}
