/** Bundles one TypeScript entry into .cache and runs it here: `node infra/run.mjs test/simulation/main.ts --seed 7`. */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bundleOptions } from './build.mjs';
import { ensureDependencies, isAlive, ROOT } from './dependencies.mjs';

const [entry, ...rest] = process.argv.slice(2);
if (!entry) {
  console.error('Which file? node infra/run.mjs <entry.ts> [arguments]');
  process.exit(2);
}
ensureDependencies();
const { build } = await import('esbuild');
// Inside the checkout, so that packages left external are found in node_modules.
const folder = join(ROOT, '.cache/run');
const outfile = join(folder, `${entry.replaceAll(/[^a-z0-9]+/gi, '-')}.${process.pid}.mjs`);
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
process.once('exit', () => rmSync(outfile, { force: true }));
// What a killed run left; one that lives may still start threads from its bundle.
for (const name of readdirSync(folder)) if (!isAlive(Number(/\.(\d+)\.mjs$/.exec(name)?.[1]))) rmSync(join(folder, name), { force: true });
process.setSourceMapsEnabled(true);
process.argv = [process.argv[0], join(ROOT, entry), ...rest];
await import(pathToFileURL(outfile).href);
