import type { CreateImage } from '@drover/shared/api/requests';
import { Problem } from '@drover/shared/lib/problem';
import type { Inventory } from '@drover/shared/model/host';
import type { HostId, NetworkId, StorageId } from '@drover/shared/model/id';
import type { ImageSource } from '@drover/shared/model/image';
import { applyTask, changedTasks, checkGeneration, refOf, superseded } from './apply-task.ts';
import type { Accepted, Ask, Decision, WishWrite } from './change.ts';
import type { Held } from './held.ts';
import { formInWords, fromCatalogue, imageTombstone, imageWish, isReady } from './images.ts';
import { absenceOf, inWords, type Rejection, storageOn } from './placement.ts';
import type { CreateImageView, HostCandidate, ImageDecisionView } from './views.ts';

/** `source`: an upload's, which CreateImage does not let people write. */
export type ImageWanted = Omit<CreateImage, 'source'> & { readonly source?: ImageSource | undefined };

export function createImage(view: CreateImageView, input: ImageWanted, ask: Ask): Decision<Accepted> {
  const source = input.source ?? fromCatalogue(input.name, input.form, []);
  const { candidate, storage } = hostForImage(view.candidates, input.host !== undefined);
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

function hostForImage(candidates: readonly HostCandidate[], isNamed: boolean): { candidate: HostCandidate; storage: Held<'storage'> } {
  const rejected: Rejection[] = [];
  for (const candidate of candidates) {
    const storage = storageOn(candidate);
    const absence = absenceOf(candidate.host, isNamed);
    if (storage && absence === null) return { candidate, storage };
    rejected.push({ hostName: candidate.host.name, reason: absence ?? 'it has no storage' });
  }
  if (candidates.length === 0) {
    throw new Problem('no-host', 'there is no host yet', { retryable: true, suggestion: 'add a host first: drover host add' });
  }
  throw new Problem('no-host', `no host can take this image (${inWords(rejected)})`, {
    field: isNamed ? 'host' : undefined,
    retryable: true,
  });
}

const verbOf = (source: ImageSource): string => ({ build: 'build', download: 'download', upload: 'receive' })[source.do];

/** Every host gets one storage and one network, once, as soon as it has said where its owner lets Drover keep things. */
export function defaultFabric(
  hostId: HostId,
  inventory: Inventory,
  resources: readonly Held[],
  ids: { readonly storageId: StorageId; readonly networkId: NetworkId },
): WishWrite[] {
  const wishes: WishWrite[] = [];
  if (!resources.some(({ kind }) => kind === 'storage')) {
    const spec = { name: 'local', driver: 'directory', config: { path: inventory.defaults.storagePath } };
    wishes.push({ kind: 'storage', id: ids.storageId, hostId, generation: 1, spec, deletion: null });
  }
  if (!resources.some(({ kind }) => kind === 'network')) {
    const spec = { name: 'default', driver: 'nat', config: { bridge: inventory.defaults.bridge, subnet: freeSubnet(inventory.routes) } };
    wishes.push({ kind: 'network', id: ids.networkId, hostId, generation: 1, spec, deletion: null });
  }
  return wishes;
}

/** The first /24 of 10.86.0.0/16 that overlaps nothing the host already reaches. */
export function freeSubnet(routes: readonly string[]): string {
  const taken = routes.map(rangeOf).filter((range) => range !== null);
  for (let third = 0; third < 256; third++) {
    const subnet = `10.86.${third}.0/24`;
    const range = rangeOf(subnet);
    if (range && !taken.some(({ first, last }) => first <= range.last && range.first <= last)) return subnet;
  }
  return '10.86.0.0/24';
}

/** First and last address of an IPv4 range in CIDR form; null for anything else, and for the default route, which overlaps everything. */
function rangeOf(cidr: string): { first: number; last: number } | null {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?:\/(\d{1,2}))?$/.exec(cidr);
  if (!match) return null;
  const [a = 0, b = 0, c = 0, d = 0, length = 32] = match.slice(1).map((part) => (part === undefined ? undefined : Number(part)));
  if (length === 0 || length > 32) return null;
  const size = 2 ** (32 - length);
  const first = Math.floor((a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d) / size) * size;
  return { first, last: first + size - 1 };
}
