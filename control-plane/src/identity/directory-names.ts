import { Name } from '@drover/shared/model/id';

/** What somebody whom a directory calls `theirs` may be called here; null: nothing of it can be a name. */
export function nameFrom(theirs: string): string | null {
  const name = theirs
    .replace(/^.*\\/, '')
    .replace(/@.*$/, '')
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 50)
    .replace(/^-+|-+$/g, '');
  return Name.safeParse(name).success ? name : null;
}

/** A name that nobody has. Whoever is here under it already stays somebody else: a directory must not hand out their account. */
export function freeName(wished: string, directory: string, isTaken: (name: string) => boolean): string {
  if (!isTaken(wished)) return wished;
  const base = `${wished.slice(0, 40)}-${directory.slice(0, 12)}`.replace(/-+$/, '');
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? base : `${base}-${number}`;
    if (!isTaken(name)) return name;
  }
}

/** Groups as they are called here. */
export function groupsWished(theirs: readonly string[], mapping: Readonly<Record<string, string>>): readonly string[] {
  const isMapped = Object.keys(mapping).length > 0;
  const names = theirs.flatMap((name) => (isMapped ? (Object.hasOwn(mapping, name) ? [mapping[name] ?? ''] : []) : [nameFrom(name) ?? '']));
  return [...new Set(names.filter((name) => name !== ''))].sort();
}
