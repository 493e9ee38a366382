import type { Machine, Release } from '@drover/shared/model/host';
import { known, readLine } from './sysfs.ts';

/** SMBIOS, table 17: kinds of enclosure, as far as hosts come in them. */
const CHASSIS: Readonly<Record<string, string>> = {
  3: 'desktop',
  4: 'desktop',
  5: 'desktop',
  6: 'tower',
  7: 'tower',
  8: 'laptop',
  9: 'laptop',
  10: 'laptop',
  13: 'all in one',
  14: 'laptop',
  17: 'server',
  23: 'server',
  28: 'blade',
  29: 'blade',
  35: 'mini PC',
  36: 'stick PC',
};
/** What makers leave in who fill nothing in. */
const FILLER = /^(to be filled by o\.?e\.?m\.?|default string|system (manufacturer|product name)|not specified|none|o\.?e\.?m\.?)$/i;

/** What the firmware says of the machine. `virtual`: the answer of systemd-detect-virt; null: it was not to be had. */
export function readMachine(virtual: string | null, sys = '/sys'): Machine {
  const of = (name: string): string | null => {
    const text = readLine(`${sys}/class/dmi/id/${name}`);
    return text === null || FILLER.test(text) ? null : text.slice(0, 200);
  };
  const said = known({ vendor: of('sys_vendor'), product: of('product_name'), chassis: CHASSIS[of('chassis_type') ?? ''] });
  return virtual === null ? said : { ...said, virtual: virtual === 'none' ? null : virtual };
}

/** Reads /etc/os-release; null where it names no version, as Debian's testing does. */
export function parseRelease(text: string): Release | null {
  const of = (name: string): string | null => new RegExp(`^${name}="?([^"\\n]*)`, 'm').exec(text)?.[1] || null;
  const version = of('VERSION_ID');
  return version === null ? null : { version, ...known({ codename: of('VERSION_CODENAME') }) };
}
