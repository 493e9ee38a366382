/** `npm run chaos`: bundles the processes of test/chaos side by side, so that each starts at once, and runs the first. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bundleOptions } from './build.mjs';
import { ensureDependencies, ROOT } from './dependencies.mjs';

ensureDependencies();
const { build } = await import('esbuild');
const folder = join(ROOT, '.cache/chaos', String(process.pid));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
await build({
  ...bundleOptions,
  entryPoints: ['main', 'agent', 'control-plane'].map((name) => `test/chaos/${name}.ts`),
  outdir: folder,
  outExtension: { '.js': '.mjs' },
  sourcemap: 'inline',
});
process.setSourceMapsEnabled(true);
await import(pathToFileURL(join(folder, 'main.mjs')).href);
