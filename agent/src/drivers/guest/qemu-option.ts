import { Problem } from '@drover/shared/lib/problem';

export type OptionValue = string | number | boolean;

/** One word of QEMU's option syntax: `kind,key=value,…`. Values may hold anything but control characters; a comma is doubled, true is `on`. */
export function qemuOption(kind: string | null, members: Readonly<Record<string, OptionValue | undefined>>): string {
  const words = kind === null ? [] : [kind];
  for (const [key, value] of Object.entries(members)) if (value !== undefined) words.push(`${key}=${qemuValue(key, value)}`);
  return words.join(',');
}

function qemuValue(key: string, value: OptionValue): string {
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  if (typeof value === 'number') return String(value);
  // QEMU would take them, but no name or path of ours has them: one that does comes from a mistake or from somebody who tries.
  if (/\p{Cc}/u.test(value)) throw new Problem('bad-request', `a value for QEMU's option ${key} has a control character in it`);
  return value.replaceAll(',', ',,');
}
