/** An address's search with some members set, and those that are undefined taken out. */
export function patched<S extends object>(search: S, members: { readonly [K in keyof S]?: S[K] | undefined }): S {
  // Sound: the members have the types that they have in S, and only optional ones can be undefined.
  return Object.fromEntries(Object.entries({ ...search, ...members }).filter(([, value]) => value !== undefined)) as S;
}
