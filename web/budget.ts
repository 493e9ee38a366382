import { gzipSync } from 'node:zlib';
import type { Plugin } from 'vite';

/** What a first visit must load before Guests is there, gzipped: the entry with everything it imports statically. */
const ENTRY_BYTES_MAX = 130 * 1024;
const CSS_BYTES_MAX = 12 * 1024;

/** Fails the build when the first visit grows past its budget: on a phone every kilobyte is waiting. */
export function budget(): Plugin {
  return {
    name: 'budget',
    apply: 'build',
    generateBundle(_options, bundle) {
      const sizes = new Map<string, number>();
      const visit = (fileName: string): void => {
        const chunk = bundle[fileName];
        if (chunk?.type !== 'chunk' || sizes.has(fileName)) return;
        sizes.set(fileName, gzipSync(chunk.code).length);
        chunk.imports.forEach(visit);
      };
      let cssBytes = 0;
      for (const [fileName, output] of Object.entries(bundle)) {
        if (output.type === 'chunk' && output.isEntry) visit(fileName);
        if (output.type === 'asset' && fileName.endsWith('.css')) cssBytes += gzipSync(output.source).length;
      }
      const entryBytes = [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0);
      this.info(
        `entry ${(entryBytes / 1024).toFixed(1)} KiB gzip of ${ENTRY_BYTES_MAX / 1024}, CSS ${(cssBytes / 1024).toFixed(1)} of ${CSS_BYTES_MAX / 1024}`,
      );
      if (entryBytes > ENTRY_BYTES_MAX) this.error(`the entry is ${entryBytes} bytes gzipped; its budget is ${ENTRY_BYTES_MAX}`);
      if (cssBytes > CSS_BYTES_MAX) this.error(`the style sheet is ${cssBytes} bytes gzipped; its budget is ${CSS_BYTES_MAX}`);
    },
  };
}
