/** `npm run chaos`: bundles the processes of test/chaos side by side, so that each starts at once, and runs the first. Without source maps: to read them takes as long as to start. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bundleOptions } from './build.mjs';
import { ensureDependencies, ROOT } from './dependencies.mjs';

ensureDependencies();
const { build } = await import('esbuild');
// As deep below the root as the sources are: some look for files beside theirs.
const folder = join(ROOT, '.cache', `chaos-${process.pid}`);
// Its fleets keep their data there as well.
process.once('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
await build({
  ...bundleOptions,
  entryPoints: ['main', 'agent', 'control-plane'].map((name) => `test/chaos/${name}.ts`),
  outdir: folder,
  outExtension: { '.js': '.mjs' },
});
await import(pathToFileURL(join(folder, 'main.mjs')).href);
