import { Problem } from '@drover/shared/lib/problem';
import type { HostId, ImageId } from '@drover/shared/model/id';
import { CATALOGUE, catalogueSource, type ImageForm, type ImageSource, ImageStatus } from '@drover/shared/model/image';
import type { Ask, WishWrite } from './change.ts';
import type { Held, Task } from './held.ts';
import { didYouMean } from './near.ts';
import type { HostCandidate } from './views.ts';

export const imageStatusOf = (image: Held<'image'>): ImageStatus => ImageStatus.parse(image.status?.observed ?? {});
export const isReady = (image: Held<'image'>): boolean => imageStatusOf(image).ready;

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

export function fromCatalogue(name: string, form: ImageForm, others: readonly string[], field = 'name'): ImageSource {
  const source = catalogueSource(name, form);
  if (source) return source;
  const known = form === 'iso' ? [] : CATALOGUE.filter((entry) => entry.forms[form]).map((entry) => entry.name);
  const names = [...new Set([...others, ...known])];
  const suggestion = didYouMean(name, names) ?? (names.length > 0 ? `there is ${names.slice(0, 8).join(', ')}` : 'upload one first');
  throw new Problem('not-found', `there is no ${NOUNS[form]} ${name}`, { field, suggestion });
}

const namesOf = (candidate: HostCandidate, form: ImageForm): string[] =>
  candidate.images.filter(({ spec }) => spec.form === form).map(({ spec }) => spec.name);

const NOUNS = { container: 'container image', vm: 'VM image', iso: 'ISO image' } as const satisfies Record<ImageForm, string>;
export const formInWords = (form: ImageForm): string => `${form === 'iso' ? 'an' : 'a'} ${NOUNS[form]}`;
