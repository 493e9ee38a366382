import { gzipSync } from 'node:zlib';
import type { Plugin } from 'vite';

/** What a first visit must load before Guests is there, gzipped: the entry with everything it imports statically. */
const ENTRY_BYTES_MAX = 130 * 1024;
/** What any other page, or part of one, adds to that. */
const ROUTE_BYTES_MAX = 40 * 1024;
const CSS_BYTES_MAX = 12 * 1024;

interface Piece {
  readonly bytes: number;
  readonly imports: readonly string[];
  readonly isEntry: boolean;
  readonly isDynamic: boolean;
}

/** Fails the build when a visit grows past its budget: on a phone every kilobyte is waiting. */
export function budget(): Plugin {
  return {
    name: 'budget',
    apply: 'build',
    generateBundle(_options, bundle) {
      const pieces = new Map<string, Piece>();
      let cssBytes = 0;
      for (const [fileName, output] of Object.entries(bundle)) {
        if (output.type === 'asset') {
          if (fileName.endsWith('.css')) cssBytes += gzipSync(output.source).length;
          continue;
        }
        const { code, imports, isEntry, isDynamicEntry } = output;
        pieces.set(fileName, { bytes: gzipSync(code).length, imports, isEntry, isDynamic: isDynamicEntry });
      }
      const entry = closureOf(pieces, namesOf(pieces, 'isEntry'), new Set());
      const routes = namesOf(pieces, 'isDynamic').map((name) => ({ name, bytes: bytesOf(pieces, closureOf(pieces, [name], entry)) }));
      const [largest] = routes.sort((a, b) => b.bytes - a.bytes);
      const checks = [
        { what: 'entry', bytes: bytesOf(pieces, entry), most: ENTRY_BYTES_MAX },
        { what: `largest other page (${largest?.name})`, bytes: largest?.bytes ?? 0, most: ROUTE_BYTES_MAX },
        { what: 'style sheet', bytes: cssBytes, most: CSS_BYTES_MAX },
      ];
      const line = checks.map(({ what, bytes, most }) => `${what} ${(bytes / 1024).toFixed(1)} KiB of ${most / 1024}`).join(', ');
      this.info(`gzipped: ${line}`);
      if (checks.some(({ bytes, most }) => bytes > most)) this.error(`past its budget, gzipped: ${line}`);
    },
  };
}

const namesOf = (pieces: ReadonlyMap<string, Piece>, is: 'isEntry' | 'isDynamic'): string[] =>
  [...pieces].filter(([, piece]) => piece[is]).map(([name]) => name);

/** These and everything that they import statically, but for what is there already. */
function closureOf(pieces: ReadonlyMap<string, Piece>, names: readonly string[], there: ReadonlySet<string>): Set<string> {
  const found = new Set<string>();
  const visit = (name: string): void => {
    if (there.has(name) || found.has(name)) return;
    found.add(name);
    pieces.get(name)?.imports.forEach(visit);
  };
  names.forEach(visit);
  return found;
}

const bytesOf = (pieces: ReadonlyMap<string, Piece>, names: ReadonlySet<string>): number =>
  [...names].reduce((sum, name) => sum + (pieces.get(name)?.bytes ?? 0), 0);
