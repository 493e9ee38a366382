import type { GuestType } from '@drover/shared/model/guest';
import { bytes } from '../format.ts';
import { t } from '../text/t.ts';
import { SIZES } from './guest-draft.ts';

export function SizeTiles({
  type,
  mostBytes,
  value,
  onChange,
}: {
  type: GuestType;
  /** The most memory that a host has. Null: not known. */
  mostBytes: number | null;
  value: string;
  onChange: (key: string) => void;
}) {
  return (
    <fieldset>
      <legend className="mb-2 font-semibold">{t('new.size')}</legend>
      <div className="grid grid-cols-1 gap-2 min-[360px]:grid-cols-3">
        {SIZES[type].map((size) => {
          const isTooBig = mostBytes !== null && size.memoryBytes > mostBytes;
          return (
            <label
              key={size.key}
              className="relative cursor-pointer rounded-md border border-line bg-surface p-3 hover:bg-sunken has-disabled:cursor-not-allowed has-disabled:bg-sunken has-checked:border-accent has-checked:bg-accent-soft has-checked:shadow-[inset_0_0_0_1px_var(--accent)] has-focus-visible:outline-2 has-focus-visible:outline-offset-2 has-focus-visible:outline-accent sm:px-4"
            >
              <input
                type="radio"
                name="size"
                disabled={isTooBig && size.key !== value}
                className="absolute inset-0 cursor-pointer disabled:cursor-not-allowed appearance-none rounded-md outline-none"
                checked={size.key === value}
                onChange={() => onChange(size.key)}
              />
              <span className="block font-semibold">{t(size.name)}</span>
              <span className="block text-sm text-muted">{bytes(size.memoryBytes)}</span>
              <span className="block text-sm text-muted">{t('cores', { count: size.cores })}</span>
              <span className="block text-sm text-muted">{t('disk.of', { size: bytes(size.diskBytes) })}</span>
              {isTooBig ? <span className="block text-sm text-warn">{t('size.too-big')}</span> : null}
            </label>
          );
        })}
      </div>
    </fieldset>
  );
}
