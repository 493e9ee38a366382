/** Bundles one TypeScript entry into .cache and runs it here: `node infra/run.mjs test/simulation/main.ts --seed 7`. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bundleOptions } from './build.mjs';
import { ensureDependencies, ROOT } from './dependencies.mjs';

const [entry, ...rest] = process.argv.slice(2);
if (!entry) {
  console.error('Which file? node infra/run.mjs <entry.ts> [arguments]');
  process.exit(2);
}
ensureDependencies();
const { build } = await import('esbuild');
// Inside the checkout, so that packages left external are found in node_modules.
const outfile = join(ROOT, '.cache/run', `${entry.replaceAll(/[^a-z0-9]+/gi, '-')}.${process.pid}.mjs`);
try {
  await build({
    ...bundleOptions,
    entryPoints: [entry],
    outfile,
    sourcemap: 'inline',
    external: [...bundleOptions.external, 'playwright-core'],
  });
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
const { rmSync } = await import('node:fs');
const forget = () => rmSync(outfile, { force: true });
process.once('exit', forget);
// Loaded by then, and so also gone when this process is killed.
setTimeout(forget, 5_000).unref();
process.setSourceMapsEnabled(true);
process.argv = [process.argv[0], join(ROOT, entry), ...rest];
await import(pathToFileURL(outfile).href);
