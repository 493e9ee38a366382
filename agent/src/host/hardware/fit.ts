import { digest } from '@drover/shared/lib/digest';
import type { Hardware } from '@drover/shared/model/hardware';

/** A report has room for these, beside its statuses and lines. */
export const HARDWARE_BYTES_MAX = 64 * 1024;
type Lists = Omit<Hardware, 'digest' | 'cut'>;
/** The least missed first. */
const CUT_FIRST = ['pci', 'usb', 'nics', 'disks', 'numa', 'processorFlags'] as const satisfies readonly (keyof Lists)[];

/** As one message can carry it: lists that are too long are cut, and named in `cut`. */
export function fitted(lists: Lists, bytesMax = HARDWARE_BYTES_MAX): Hardware {
  const sizeOf = (value: unknown): number => new TextEncoder().encode(JSON.stringify(value)).length;
  const kept: Lists = { ...lists };
  const cut: string[] = [];
  for (const name of CUT_FIRST) {
    const spare = () => bytesMax - 1_024 - sizeOf(kept);
    if (spare() >= 0) break;
    cut.push(name);
    // Half of what is left each time: a list of thousands needs a dozen looks.
    while (spare() < 0 && kept[name].length > 0) Object.assign(kept, { [name]: kept[name].slice(0, Math.floor(kept[name].length / 2)) });
  }
  return { digest: digest({ ...kept, cut }), ...kept, cut };
}
