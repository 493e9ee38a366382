import type { CatalogueView, ImageView } from '@drover/shared/api/views';
import { call } from '../api.ts';
import { Icon } from '../kit/icon.tsx';
import type { Query } from '../live/collection.ts';
import { live, useViews } from '../live/use.ts';
import { useRead } from '../queries.ts';
import { t } from '../text/t.ts';

const ALL: Query = {};

/** Something a guest can begin as. */
export interface ImageChoice {
  readonly name: string;
  readonly title: string;
  /** A CD to install from; the root disk begins empty. */
  readonly isCd: boolean;
  /** Hosts that have it; none: it is made or fetched first. */
  readonly readyOn: number;
  readonly isBuilt: boolean;
  readonly leastDiskBytes: number | null;
}

/** What the catalogue offers for this type, and what hosts have besides. */
export function imageChoices(type: 'container' | 'vm', catalogue: CatalogueView['items'], images: readonly ImageView[]): ImageChoice[] {
  const usable = images.filter((image) => !image.deleting && image.form === type);
  const isReady = (name: string): number => usable.filter((image) => image.name === name && image.ready).length;
  const leastOf = (name: string): number | null =>
    usable.find((image) => image.name === name && image.virtualSizeBytes !== null)?.virtualSizeBytes ?? null;
  const listed = catalogue.flatMap((entry): ImageChoice[] => {
    const source = entry.forms[type];
    if (source === undefined) return [];
    const { name, title } = entry;
    return [{ name, title, isCd: false, readyOn: isReady(name), isBuilt: source.do === 'build', leastDiskBytes: leastOf(name) }];
  });
  const known = new Set(listed.map(({ name }) => name));
  const own = [...new Set(usable.filter(({ name }) => !known.has(name)).map(({ name }) => name))].map(
    (name): ImageChoice => ({ name, title: name, isCd: false, readyOn: isReady(name), isBuilt: false, leastDiskBytes: leastOf(name) }),
  );
  const cds = type === 'container' ? [] : images.filter((image) => image.form === 'iso' && !image.deleting && image.ready);
  const discs = [...new Set(cds.map(({ name }) => name))].map(
    (name): ImageChoice => ({ name, title: name, isCd: true, readyOn: 1, isBuilt: false, leastDiskBytes: null }),
  );
  // What is there already comes first: it starts at once.
  return [...listed, ...own].sort((a, b) => Number(b.readyOn > 0) - Number(a.readyOn > 0)).concat(discs);
}

export function useImageChoices(type: 'container' | 'vm') {
  const { views: images } = useViews(live.image, ALL);
  const catalogue = useRead({ queryKey: ['catalogue'], queryFn: () => call<CatalogueView>('GET', '/images/catalogue') });
  return { choices: imageChoices(type, catalogue.data?.items ?? [], images), catalogue };
}

export function ImageTiles({
  choices,
  value,
  onChange,
}: {
  choices: readonly ImageChoice[];
  value: string;
  onChange: (name: string) => void;
}) {
  return (
    <fieldset>
      <legend className="mb-2 font-semibold">{t('new.image')}</legend>
      <div className="grid grid-cols-1 gap-2 min-[360px]:grid-cols-2 lg:grid-cols-3">
        {choices.map((choice) => (
          <label
            key={`${choice.isCd}/${choice.name}`}
            className="relative flex min-h-16 cursor-pointer items-center gap-3 rounded-md border border-line bg-surface p-3 hover:bg-sunken has-checked:border-accent has-checked:bg-accent-soft has-checked:shadow-[inset_0_0_0_1px_var(--accent)] has-focus-visible:outline-2 has-focus-visible:outline-offset-2 has-focus-visible:outline-accent"
          >
            <input
              type="radio"
              name="image"
              className="absolute inset-0 cursor-pointer appearance-none rounded-md outline-none"
              checked={choice.name === value}
              onChange={() => onChange(choice.name)}
            />
            <span className="text-muted max-sm:hidden">
              <Icon name={choice.isCd ? 'disc' : 'container'} />
            </span>
            <span className="min-w-0">
              <span className="block leading-snug font-semibold max-sm:text-[15px]">{choice.title}</span>
              <span className="block text-sm leading-snug text-muted">{availability(choice)}</span>
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

function availability(choice: ImageChoice): string {
  if (choice.isCd) return t('image.cd');
  if (choice.readyOn > 0) return t('image.ready');
  return t(choice.isBuilt ? 'image.built' : 'image.fetched');
}
