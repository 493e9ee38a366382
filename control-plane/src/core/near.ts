/** Names that look like what was typed, nearest first, at most three: for "did you mean". */
export function nearNames(typed: string, names: readonly string[]): string[] {
  return [...new Set(names)]
    .map((name) => ({ name, distance: name.startsWith(typed) || typed.startsWith(name) ? 1 : editDistance(typed, name) }))
    .filter(({ distance }) => distance <= Math.max(2, Math.floor(typed.length / 3)))
    .sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1))
    .slice(0, 3)
    .map(({ name }) => name);
}

export function didYouMean(typed: string, names: readonly string[]): string | undefined {
  const near = nearNames(typed, names);
  return near.length === 0 ? undefined : `did you mean ${near.join(' or ')}?`;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const substituted = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min(substituted, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}
