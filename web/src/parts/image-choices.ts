import type { CatalogueView, ImageView } from '@drover/shared/api/views';
import type { GuestType } from '@drover/shared/model/guest';
import { percent } from '../format.ts';
import { t } from '../text/t.ts';

/** Something a guest can begin as. */
export interface ImageChoice {
  readonly name: string;
  readonly title: string;
  /** A CD to install from; the root disk begins empty. */
  readonly isCd: boolean;
  /** What the catalogue does where it is missing; null: it came by upload, and is only where it was sent. */
  readonly source: 'build' | 'download' | null;
  /** What each host that has it, or is about to, says of it. */
  readonly copies: readonly ImageView[];
}

/** What the catalogue offers for this type, and what hosts have besides. */
export function imageChoices(type: GuestType, catalogue: CatalogueView['items'], images: readonly ImageView[]): ImageChoice[] {
  const there = images.filter((image) => !image.deleting);
  const copiesOf = (name: string, form: ImageView['form']): ImageView[] =>
    there.filter((image) => image.name === name && image.form === form);
  const listed = catalogue.flatMap(({ name, title, forms }): ImageChoice[] => {
    const source = forms[type];
    if (source === undefined || source.do === 'upload') return [];
    return [{ name, title, isCd: false, source: source.do, copies: copiesOf(name, type) }];
  });
  const known = new Set(listed.map(({ name }) => name));
  const namesOf = (form: ImageView['form']): string[] => [...new Set(there.filter((image) => image.form === form).map(({ name }) => name))];
  const own = namesOf(type).filter((name) => !known.has(name));
  const discs = type === 'vm' ? namesOf('iso') : [];
  return [
    // What is there already comes first: it starts at once.
    ...[
      ...listed,
      ...own.map((name): ImageChoice => ({ name, title: name, isCd: false, source: null, copies: copiesOf(name, type) })),
    ].sort((a, b) => Number(b.copies.some(isReady)) - Number(a.copies.some(isReady))),
    ...discs.map((name): ImageChoice => ({ name, title: name, isCd: true, source: null, copies: copiesOf(name, 'iso') })),
  ];
}

const isReady = (image: Pick<ImageView, 'ready'>): boolean => image.ready;

/** Measured on a small machine with a near mirror; said with "about". */
const BUILD_MINUTES: Readonly<Record<GuestType, number>> = { container: 1, vm: 3 };

/** What becomes of a guest that begins as this on one of these hosts: it starts at once, or something comes first. */
export function availability(choice: ImageChoice, type: GuestType, hostNames: readonly string[]): string {
  const copies = choice.copies.filter((image) => hostNames.includes(image.host.name));
  const readyOn = copies.filter(isReady).length;
  const kind = choice.isCd ? [t('image.cd')] : [];
  if (readyOn > 0)
    return [...kind, readyOn < hostNames.length ? t('image.ready-on', { count: readyOn, hosts: hostNames.length }) : t('image.ready')].join(
      ', ',
    );
  const failed = copies.find((image) => image.condition === 'needs-attention');
  if (failed !== undefined) return t('image.failed');
  const [copy] = copies;
  if (copy !== undefined) {
    const word = t(copy.source.do === 'upload' ? 'image.uploading' : copy.source.do === 'build' ? 'image.building' : 'image.downloading');
    const progress = copy.activity?.progress ?? null;
    return progress === null ? word : t('state.at', { state: word, percent: percent(progress) });
  }
  if (choice.source === null) return t('image.elsewhere');
  return choice.source === 'build' ? t('image.built', { count: BUILD_MINUTES[type] }) : t('image.fetched');
}
