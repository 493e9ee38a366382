/** Builds what changed: each target remembers the fingerprint of its sources beside its result. `node infra/build.mjs [--force] [target…]`. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { cannotWrite, ROOT } from './dependencies.mjs';

// Bundled CommonJS packages call require() for Node's own modules.
const REQUIRE =
  "import { createRequire as createRequireOfBundle } from 'node:module';\nconst require = createRequireOfBundle(import.meta.url);";

/** Debian 12's Node.js keeps WebCrypto to itself, until it is told otherwise. */
const CRYPTO = "import { webcrypto as cryptoOfBundle } from 'node:crypto';\nglobalThis.crypto ??= cryptoOfBundle;";

/** zod's messages in forty languages, of which ours are not made: 300 KiB of source. */
const withoutLocales = {
  name: 'without-locales',
  setup(build) {
    build.onLoad({ filter: /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({ contents: 'export {};' }));
  },
};

/** What every bundle of ours has in common. */
export const bundleOptions = {
  absWorkingDir: ROOT,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  banner: { js: REQUIRE },
  loader: { '.sql': 'text' },
  plugins: [withoutLocales],
  // Native code stays where npm put it; ws and mqtt do without these two.
  external: ['libsql', '@libsql/*', 'bufferutil', 'utf-8-validate'],
  logLevel: 'silent',
};

const bundle = (entry, outfile, options = {}) => ({
  entry,
  outfile,
  make: async () => {
    const { build } = await import('esbuild');
    await build({ ...bundleOptions, entryPoints: [entry], outfile, ...options });
  },
});

/** And the Debian package with it, which the control plane gives to hosts. */
function withPackage(target) {
  return {
    ...target,
    async make() {
      await target.make();
      const { writeAgentPackage } = await import('./package/agent-package.mjs');
      writeAgentPackage();
    },
  };
}

/** Sources are folders or files; tests do not count. */
export const TARGETS = {
  'control-plane': {
    sources: ['shared/src', 'control-plane/src', 'control-plane/package.json', 'infra/build.mjs'],
    ...bundle('control-plane/src/main.ts', 'control-plane/dist/main.js'),
  },
  agent: {
    sources: ['shared/src', 'agent/src', 'agent/package.json', 'infra/build.mjs', 'infra/packages.mjs', 'infra/package'],
    // One file that runs on Debian 12's own nodejs as well.
    // Without the white space, of which the agent would keep 2 MiB in memory; names stay, and lines are short enough to be found.
    ...withPackage(
      bundle('agent/src/main.ts', 'agent/dist/agent.js', {
        target: 'node18',
        banner: { js: `${REQUIRE}\n${CRYPTO}` },
        minifyWhitespace: true,
        lineLimit: 160,
      }),
    ),
  },
  cli: {
    sources: ['shared/src', 'cli/src', 'cli/package.json', 'infra/build.mjs'],
    ...bundle('cli/src/main.ts', 'cli/dist/drover.js'),
  },
  web: {
    sources: ['shared/src', 'web', 'infra/build.mjs'],
    entry: 'web/index.html',
    outfile: 'web/dist/index.html',
    make: () => runToEnd(process.execPath, [join(ROOT, 'node_modules/vite/bin/vite.js'), 'build', '--logLevel', 'warn'], join(ROOT, 'web')),
  },
};

/** Builds the stale ones among `names`; gives the names of what was built. Throws when one fails. */
export async function build(names = Object.keys(TARGETS), { force = false, say = () => {} } = {}) {
  const due = names.filter((name) => {
    if (!TARGETS[name]) throw new Error(`there is no build target "${name}"; there are: ${Object.keys(TARGETS).join(', ')}`);
    return existsSync(join(ROOT, TARGETS[name].entry)) && (force || isStale(name));
  });
  if (due.length === 0) return due;
  say(`Building ${due.join(', ')}`);
  // Vite keeps its working files beside the packages.
  const closed = cannotWrite(...due.map((name) => join(ROOT, dirname(TARGETS[name].outfile))), join(ROOT, 'node_modules'));
  if (closed) throw new Error(closed);
  await Promise.all(
    due.map(async (name) => {
      const target = TARGETS[name];
      // Taken before: a source that changes meanwhile makes it stale again.
      const before = fingerprint(target);
      rmSync(stampPath(target), { force: true });
      await target.make();
      mkdirSync(dirname(stampPath(target)), { recursive: true });
      writeFileSync(stampPath(target), before);
    }),
  );
  return due;
}

export function isStale(name) {
  const target = TARGETS[name];
  try {
    return !existsSync(join(ROOT, target.outfile)) || readFileSync(stampPath(target), 'utf8') !== fingerprint(target);
  } catch {
    return true;
  }
}

const stampPath = (target) => join(ROOT, dirname(target.outfile), '.fingerprint');

function fingerprint(target) {
  const hash = createHash('sha256').update(process.versions.node);
  for (const source of target.sources) addTo(hash, source);
  return hash.digest('hex');
}

const NOT_SOURCE = /\.test\.tsx?$|^(dist|node_modules|dev)$/;

/** Path, size and time of every file: a few hundred calls of stat, some milliseconds. */
function addTo(hash, path) {
  const stat = statSync(join(ROOT, path), { throwIfNoEntry: false });
  if (!stat) return;
  if (!stat.isDirectory()) {
    hash.update(`${path} ${stat.size} ${stat.mtimeMs}\n`);
    return;
  }
  for (const entry of readdirSync(join(ROOT, path)).sort()) {
    if (!NOT_SOURCE.test(entry)) addTo(hash, `${path}/${entry}`);
  }
}

function runToEnd(program, args, cwd) {
  return new Promise((resolve, reject) => {
    // Whatever this shell says, what people get is the production build.
    const env = { ...process.env, NODE_ENV: 'production' };
    const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const take = (chunk) => {
      output += chunk;
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(output.trim() || `${program} ended with ${code}`))));
  });
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const names = process.argv.slice(2).filter((argument) => argument !== '--force');
  try {
    const built = await build(names.length > 0 ? names : undefined, { force: process.argv.includes('--force'), say: console.log });
    console.log(built.length > 0 ? `Built ${built.join(', ')}.` : 'Everything is up to date.');
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  }
}
