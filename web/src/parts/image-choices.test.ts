import type { CatalogueView, ImageView } from '@drover/shared/api/views';
import { expect, it } from 'vitest';
import { availability, type ImageChoice, imageChoices } from './image-choices.ts';

const build: ImageView['source'] = { do: 'build', suite: 'trixie', packages: [] };
const download = {
  do: 'download',
  url: 'https://images.test/u.qcow2',
  format: 'qcow2',
  checksum: { sumsUrl: 'https://images.test/SUMS' },
} as const;
const upload = { do: 'upload', uploadId: 'u'.repeat(20), sizeBytes: 1, format: 'qcow2', sha256: '0'.repeat(64) } as const;
const CATALOGUE: CatalogueView['items'] = [
  { name: 'debian-13', title: 'Debian 13', forms: { container: build, vm: build } },
  { name: 'ubuntu', title: 'Ubuntu', forms: { vm: download } },
];

type Copy = Pick<ImageView, 'name' | 'form' | 'source' | 'ready' | 'condition' | 'activity'> & { on: string };
function image({ on, ...given }: Partial<Copy> & { on: string }): ImageView {
  // Sound here: what is read of an image is what stands above, and its host.
  return {
    name: 'debian-13',
    form: 'container',
    source: build,
    ready: true,
    deleting: false,
    condition: 'settled',
    activity: null,
    host: { id: `host-${on}`, name: on },
    ...given,
  } as unknown as ImageView;
}
const named = (choices: readonly ImageChoice[], name: string): ImageChoice => {
  const found = choices.find((choice) => choice.name === name);
  if (found === undefined) throw new Error(`no choice ${name}`);
  return found;
};
const said = (images: readonly ImageView[], hosts: readonly string[], name = 'debian-13', type: 'container' | 'vm' = 'container'): string =>
  availability(named(imageChoices(type, CATALOGUE, images), name), type, hosts);

it('offers what fits the type, what is ready first and CDs last', () => {
  const images = [
    image({ on: 'a', name: 'mine', form: 'vm', source: upload }),
    image({ on: 'a', name: 'installer', form: 'iso', source: upload }),
    image({ on: 'a', name: 'busybox', source: upload }),
  ];
  expect(imageChoices('vm', CATALOGUE, images).map(({ name }) => name)).toEqual(['mine', 'debian-13', 'ubuntu', 'installer']);
  expect(imageChoices('container', CATALOGUE, images).map(({ name }) => name)).toEqual(['busybox', 'debian-13']);
});

it('says how long it takes where nothing is there yet', () => {
  expect(said([], ['a'])).toBe('Built first, about 1 min');
  expect(said([], ['a'], 'debian-13', 'vm')).toBe('Built first, about 3 min');
  expect(said([], ['a'], 'ubuntu', 'vm')).toBe('Downloaded first');
});

it('says on how many of the hosts in question it is ready', () => {
  const images = [image({ on: 'a' })];
  expect(said(images, ['a'])).toBe('Ready');
  expect(said(images, ['a', 'b'])).toBe('Ready on 1 of 2 hosts');
  expect(said(images, ['b'])).toBe('Built first, about 1 min');
});

it('says how far it is while it is being made, and that it did not work', () => {
  const making = { title: 'making image debian-13', progress: 0.427, sinceMs: 0 };
  expect(said([image({ on: 'a', ready: false, activity: making, condition: 'working' })], ['a'])).toBe('Being built, 42 %');
  expect(said([image({ on: 'a', ready: false, condition: 'pending' })], ['a'])).toBe('Being built');
  expect(said([image({ on: 'a', ready: false, condition: 'needs-attention' })], ['a'])).toBe('The last attempt failed; it is tried again');
});

it('says where what somebody sent in is not', () => {
  const mine = [image({ on: 'a', name: 'mine', source: upload })];
  expect(said(mine, ['b'], 'mine')).toBe('On another host only');
  expect(said([image({ on: 'a', name: 'mine', source: upload, ready: false })], ['a'], 'mine')).toBe('Being uploaded');
});
