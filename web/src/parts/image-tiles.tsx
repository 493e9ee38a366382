import type { CatalogueView } from '@drover/shared/api/views';
import type { GuestType } from '@drover/shared/model/guest';
import { call } from '../api.ts';
import { Icon } from '../kit/icon.tsx';
import type { Query } from '../live/collection.ts';
import { live, useViews } from '../live/use.ts';
import { useRead } from '../queries.ts';
import { t } from '../text/t.ts';
import { availability, type ImageChoice, imageChoices } from './image-choices.ts';

const ALL: Query = {};

export function useImageChoices(type: GuestType) {
  const { views: images } = useViews(live.image, ALL);
  const catalogue = useRead({ queryKey: ['catalogue'], queryFn: () => call<CatalogueView>('GET', '/images/catalogue') });
  return { choices: imageChoices(type, catalogue.data?.items ?? [], images), catalogue };
}

export function ImageTiles({
  choices,
  type,
  hostNames,
  value,
  onChange,
}: {
  choices: readonly ImageChoice[];
  type: GuestType;
  /** Where the guest may come to be. */
  hostNames: readonly string[];
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
              <Icon name={choice.isCd ? 'disc' : type} />
            </span>
            <span className="min-w-0">
              <span className="block leading-snug font-semibold max-sm:text-[15px]">{choice.title}</span>
              <span className="block text-sm leading-snug text-muted">{availability(choice, type, hostNames)}</span>
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
