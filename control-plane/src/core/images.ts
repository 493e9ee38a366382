import type { CreateImage } from '@drover/shared/api/requests';
import { Problem } from '@drover/shared/lib/problem';
import type { HostId, ImageId } from '@drover/shared/model/id';
import { CATALOGUE, catalogueSource, type ImageForm, type ImageSource, ImageStatus } from '@drover/shared/model/image';
import { applyTask, changedTasks, checkGeneration, refOf, superseded } from './apply-task.ts';
import type { Accepted, Ask, Decision, WishWrite } from './change.ts';
import type { Held, Task } from './held.ts';
import { didYouMean } from './near.ts';
import type { CreateImageView, HostCandidate, ImageDecisionView } from './views.ts';

export const imageStatusOf = (image: Held<'image'>): ImageStatus => ImageStatus.parse(image.status?.observed ?? {});
export const isReady = (image: Held<'image'>): boolean => imageStatusOf(image).ready;

/** `source`: an upload's, which CreateImage does not let people write. */
export type ImageWanted = Omit<CreateImage, 'source'> & { readonly source?: ImageSource | undefined };

export function createImage(view: CreateImageView, input: ImageWanted, ask: Ask): Decision<Accepted> {
  const source = input.source ?? fromCatalogue(input.name, input.form, []);
  const { candidate, storage } = hostForImage(view.candidates);
  const existing = candidate.images.find(({ spec }) => spec.name === input.name && spec.form === input.form);
  if (existing) {
    throw new Problem('name-taken', `host ${candidate.host.name} has ${formInWords(input.form)} called ${input.name} already`, {
      field: 'name',
      suggestion: isReady(existing) ? 'it can be used as it is; delete it first to make it anew' : 'it is still being made',
    });
  }
  const wish = imageWish({ id: ask.imageId, hostId: candidate.host.id, name: input.name, form: input.form, storage, source });
  const task = applyTask(
    {
      purpose: 'create',
      title: `${verbOf(source)} image ${input.name}`,
      target: { kind: 'image', id: ask.imageId },
      targetName: input.name,
      hostId: candidate.host.id,
      generation: 1,
    },
    ask,
  );
  return {
    change: {
      by: ask.by,
      atMs: ask.nowMs,
      wishes: [wish],
      restsOn: [{ ...refOf(storage), generation: storage.generation }],
      newTasks: [task],
      events: [{ kind: 'image', id: ask.imageId, gone: false }, ...changedTasks([task])],
    },
    answer: { ref: task.target, taskId: task.id },
  };
}

export function removeImage(view: ImageDecisionView, ask: Ask): Decision<Accepted> {
  const { image, usedBy, tasks } = view;
  checkGeneration(image, ask);
  const [first] = usedBy;
  if (first) {
    const names = usedBy.map(({ name }) => name);
    throw new Problem(
      'in-use',
      `image ${image.spec.name} is used by ${names.length === 1 ? 'guest' : 'guests'} ${names.slice(0, 5).join(', ')}`,
      {
        suggestion: 'delete them first',
      },
    );
  }
  const awaited = {
    purpose: 'delete',
    title: `delete image ${image.spec.name}`,
    target: refOf(image),
    targetName: image.spec.name,
  } as const;
  if (image.deletion) {
    const task = applyTask({ ...awaited, hostId: image.hostId, generation: image.generation }, ask);
    return {
      change: {
        by: ask.by,
        atMs: ask.nowMs,
        newTasks: [task],
        restsOn: [{ ...refOf(image), generation: image.generation }],
        events: changedTasks([task]),
      },
      answer: { ref: refOf(image), taskId: task.id },
    };
  }
  const wish = imageTombstone(image, ask.nowMs);
  const task = applyTask({ ...awaited, hostId: image.hostId, generation: wish.generation }, ask);
  const ended = superseded(tasks, ['create', 'edit'], 'the image was deleted', ask.nowMs);
  return {
    change: {
      by: ask.by,
      atMs: ask.nowMs,
      wishes: [wish],
      newTasks: [task],
      taskUpdates: ended,
      events: [{ kind: 'image', id: image.id, gone: false }, ...changedTasks([task, ...ended])],
    },
    answer: { ref: refOf(image), taskId: task.id },
  };
}

export const imageTombstone = (image: Held<'image'>, nowMs: number) =>
  ({
    kind: 'image',
    id: image.id,
    hostId: image.hostId,
    generation: image.generation + 1,
    spec: image.spec,
    deletion: { requestedAtMs: nowMs, destroys: ['files'] },
  }) as const satisfies WishWrite;

interface NewImage {
  readonly id: ImageId;
  readonly hostId: HostId;
  readonly name: string;
  readonly form: ImageForm;
  readonly storage: Held<'storage'>;
  readonly source: ImageSource;
}

export const imageWish = ({ id, hostId, name, form, storage, source }: NewImage) =>
  // Sound: the ids of storage rows were made as such.
  ({
    kind: 'image',
    id,
    hostId,
    generation: 1,
    spec: { name, form, storageId: storage.id as StorageIdOf, source },
    deletion: null,
  }) as const satisfies WishWrite;
type StorageIdOf = Held<'image'>['spec']['storageId'];

/** What a guest is to be made from. `wishes`: what has to be written for the image to be there. */
export interface ImageForGuest {
  readonly id: ImageId;
  readonly image: Held<'image'> | null;
  readonly wishes: readonly WishWrite[];
  readonly awaited: Task['image'];
}

/** An image of that form on the host, by id or name; or one of the catalogue, which then is made first. */
export function imageForGuest(
  ref: string,
  form: ImageForm,
  field: string,
  candidate: HostCandidate,
  storage: Held<'storage'>,
  ask: Ask,
): ImageForGuest {
  const named = candidate.images.filter(({ id, spec }) => id === ref || spec.name === ref);
  const image = named.find(({ spec }) => spec.form === form);
  if (!image) {
    const [other] = named;
    if (other && (form === 'iso' || !catalogueSource(ref, form))) {
      throw new Problem('bad-request', `${ref} is ${formInWords(other.spec.form)}, not ${formInWords(form)}`, {
        field,
        suggestion: didYouMean(
          ref,
          namesOf(candidate, form).filter((name) => name !== ref),
        ),
      });
    }
    const source = fromCatalogue(ref, form, namesOf(candidate, form), field);
    const wish = imageWish({ id: ask.imageId, hostId: candidate.host.id, name: ref, form, storage, source });
    return { id: ask.imageId, image: null, wishes: [wish], awaited: { id: ask.imageId, made: true } };
  }
  if (image.deletion) {
    throw new Problem('wrong-state', `image ${image.spec.name} is being deleted`, {
      field,
      suggestion: 'wait until it is gone, and try again',
    });
  }
  // Sound: the ids of image rows were made as such.
  const id = image.id as ImageId;
  if (isReady(image)) return { id, image, wishes: [], awaited: null };
  const gaveUp = image.status?.condition === 'needs-attention';
  const again = { kind: 'image', id, hostId: image.hostId, generation: image.generation + 1, spec: image.spec, deletion: null } as const;
  return { id, image, wishes: gaveUp ? [again] : [], awaited: { id, made: false } };
}

function fromCatalogue(name: string, form: ImageForm, others: readonly string[], field = 'name'): ImageSource {
  const source = catalogueSource(name, form);
  if (source) return source;
  const known = form === 'iso' ? [] : CATALOGUE.filter((entry) => entry.forms[form]).map((entry) => entry.name);
  const names = [...others, ...known];
  const suggestion = didYouMean(name, names) ?? (names.length > 0 ? `there is ${names.slice(0, 8).join(', ')}` : 'upload one first');
  throw new Problem('not-found', `there is no ${form === 'iso' ? 'ISO image' : `${form} image`} ${name}`, { field, suggestion });
}

const namesOf = (candidate: HostCandidate, form: ImageForm): string[] =>
  candidate.images.filter(({ spec }) => spec.form === form).map(({ spec }) => spec.name);

const formInWords = (form: ImageForm): string => ({ container: 'a container image', vm: 'a VM image', iso: 'an ISO image' })[form];
const verbOf = (source: ImageSource): string => ({ build: 'build', download: 'download', upload: 'receive' })[source.do];

function hostForImage(candidates: readonly HostCandidate[]): { candidate: HostCandidate; storage: Held<'storage'> } {
  const usable = candidates.flatMap((candidate) => {
    const storage = candidate.storages.find(({ spec, deletion }) => spec.name === 'local' && !deletion) ?? candidate.storages[0];
    return storage ? [{ candidate, storage }] : [];
  });
  const found = usable.find(({ candidate }) => candidate.host.connected) ?? usable[0];
  if (found) return found;
  throw new Problem('no-host', candidates.length === 0 ? 'there is no host yet' : 'no host has a storage yet', {
    retryable: true,
    suggestion: candidates.length === 0 ? 'add a host first: drover host add' : 'start the agent there',
  });
}
