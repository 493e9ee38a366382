import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';

/** The house rules of docs/architecture.md, as an ordinary test. Each exception stands in a table with its reason. */

const ROOT = join(import.meta.dirname, '..');
const WORKSPACES = ['shared', 'control-plane', 'agent', 'web', 'cli'];

/** Also files that are not committed yet; .gitignore holds. */
const ALL = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], { cwd: ROOT, encoding: 'utf8' })
  .split('\0')
  .filter((path) => path !== '' && existsSync(join(ROOT, path)));

interface Source {
  readonly path: string;
  readonly text: string;
  /** The text without comments and without what stands in quotes: what the machine runs. */
  readonly code: string;
  readonly imports: readonly string[];
  readonly isTest: boolean;
}

const SOURCES: readonly Source[] = ALL.filter((path) => /\.(ts|tsx|mjs)$/.test(path)).map((path) => {
  const text = readFileSync(join(ROOT, path), 'utf8');
  return { path, text, code: bare(text), imports: importsOf(text), isTest: /\.test\.(tsx?|mjs)$/.test(path) || path.startsWith('test/') };
});
const PRODUCT = SOURCES.filter((source) => !source.isTest && !source.path.startsWith('infra/') && source.path.includes('/src/'));

const PRODUCT_PATHS = new Set(PRODUCT.map(({ path }) => path));
const BY_PATH = new Map(SOURCES.map((source) => [source.path, source]));

// Put together, so that this file does not find itself.
const ANY = `${'an'}y\\b`;

// --- exceptions, each with its reason ---------------------------------------------------------------------------------

const LINES_MAX = 400;
const LONG_FILES: Readonly<Record<string, string>> = {};

/** What runs on one runtime only; everything else of the control plane must run on Workers too, so it may not touch node:*. */
const NODE_ONLY = [
  'control-plane/src/main.ts',
  'control-plane/src/node.ts',
  /** Typed by somebody in a shell. */
  'control-plane/src/commands/',
  /** Reads and writes files, or speaks to sockets of Node. */
  'control-plane/src/node/',
  'control-plane/src/broker/embedded',
  'control-plane/src/relay-node',
  'control-plane/src/uploads-file',
  'control-plane/src/db/open',
];

/** Doors to time and chance. */
const TIME_AND_CHANCE: Readonly<Record<string, string>> = {
  'shared/src/lib/clock.ts': 'is the door to time',
  'shared/src/lib/random.ts': 'is the door to chance',
  'agent/src/host/': 'talks to the real machine; the simulation replaces it whole',
  'agent/src/drivers/': 'talks to real hypervisors; the simulation replaces them whole',
  'web/src/': 'runs in a browser, in front of a person',
  'cli/src/': 'runs in a terminal, in front of a person',
};

/** Started by name, not imported. */
const ENTRIES = [
  'control-plane/src/main.ts',
  'control-plane/src/node.ts',
  'control-plane/src/worker.ts',
  'agent/src/main.ts',
  'web/src/main.tsx',
  'cli/src/main.ts',
  'cli/bin/drover.mjs',
  'control-plane/bin/drover-control-plane.mjs',
  'infra/start.mjs',
  'infra/build.mjs',
  'infra/host.mjs',
  'infra/run.mjs',
  'infra/dev.mjs',
  'infra/test.mjs',
  'infra/chaos.mjs',
  'test/chaos/main.ts',
  'test/chaos/agent.ts',
  'test/chaos/control-plane.ts',
  'infra/with-parent.mjs',
  'test/simulation/main.ts',
  'test/fuzz/main.ts',
  'test/conformance/write-schemas.ts',
  'test/simulation/dev-host.ts',
  'test/bench/main.ts',
  'test/lab/main.ts',
  'test/bench/link/agents.ts',
  'test/bench/link/bare-broker.ts',
  'test/web/pictures.ts',
];
const isEntry = (path: string) =>
  ENTRIES.includes(path) || /(^|\/)[a-z-]+\.config\.ts$/.test(path) || /\.(test|spec)\.(tsx?|mjs)$/.test(path);

// --- rules -----------------------------------------------------------------------------------------------------------

describe('who may import what', () => {
  it('shared imports only zod, @noble/hashes and itself', () => {
    expect(offences(under('shared/'), (name) => !/^(zod|@noble\/hashes)(\/|$)/.test(name) && !staysIn('shared', name))).toEqual([]);
  });

  it('a pure core imports only shared and itself', () => {
    const cores = PRODUCT.filter(({ path }) => /^(control-plane|agent)\/src\/core\//.test(path));
    const ours = (name: string, path: string) => name.startsWith('@drover/shared/') || resolvesTo(path, name, '/core/');
    // The types of a port vanish when it is built: what a driver observes is what a plan is made of.
    const isPortType = (name: string, path: string) => /\/driver\.ts$/.test(name) && importsTypesOnly(path, name);
    expect(offences(cores, (name, path) => !ours(name, path) && !isPortType(name, path))).toEqual([]);
  });

  it('the agent and the control plane meet only in shared', () => {
    expect(offences(under('agent/'), (name) => name.includes('control-plane'))).toEqual([]);
    expect(offences(under('control-plane/'), (name) => /@drover\/agent|\/agent\/src/.test(name))).toEqual([]);
  });

  it('web and cli know the other side by shared alone', () => {
    expect(offences([...under('web/'), ...under('cli/')], (name) => /@drover\/(?!shared\/)/.test(name))).toEqual([]);
  });

  it('a package is imported by subpath or relatively within itself, never across by path', () => {
    expect(offences(PRODUCT, (name, path) => name.startsWith('.') && leavesWorkspace(path, name))).toEqual([]);
    expect(offences(SOURCES, (name) => /^@drover\/[a-z-]+$/.test(name))).toEqual([]);
  });

  it('a relative import carries its extension', () => {
    expect(offences(SOURCES, (name) => /^\.{1,2}\//.test(name) && !/\.[a-z]+(\?.*)?$/.test(name))).toEqual([]);
  });

  it('code that runs on both runtimes, and the pages, do without node:*', () => {
    const both = [...under('control-plane/'), ...under('shared/'), ...under('web/')].filter(
      ({ path }) => !NODE_ONLY.some((door) => path.startsWith(door)),
    );
    expect(offences(both, (name) => name.startsWith('node:'))).toEqual([]);
  });

  it('tests are imported by tests only', () => {
    expect(offences(PRODUCT, (name, path) => /\.test\.(tsx?|mjs)$/.test(name) || resolve(path, name).startsWith('test/'))).toEqual([]);
  });
});

describe('time, chance and purity', () => {
  it('time and chance come through their doors', () => {
    const behind = PRODUCT.filter(({ path }) => !Object.keys(TIME_AND_CHANCE).some((door) => path.startsWith(door)));
    const ban = /\b(Date\.now|new Date\(\)|setTimeout|setInterval|Math\.random|randomUUID|randomBytes|performance\.now)\b/;
    expect(lines(behind, ban)).toEqual([]);
  });

  it('a core is synchronous', () => {
    const cores = PRODUCT.filter(({ path }) => /^(control-plane|agent)\/src\/core\//.test(path));
    expect(lines(cores, /\basync\b|\bawait\b|\bPromise\b|\bfetch\(/)).toEqual([]);
  });

  it('the simulated paths do no work on the thread pool', () => {
    const simulated = PRODUCT.filter(
      ({ path }) =>
        /^control-plane\/src\/(core|db|loop)\//.test(path) || /^agent\/src\/(core\/|journal|reconcile|observe|perform)/.test(path),
    );
    expect(offences(simulated, (name) => /^node:(fs\/promises|zlib|worker_threads)$/.test(name))).toEqual([]);
    expect(lines(simulated, /\bcrypto\.subtle\b/)).toEqual([]);
  });
});

describe('shape', () => {
  it('a file stays short, or its length has a reason', () => {
    const long = SOURCES.filter(({ path, text }) => text.split('\n').length > LINES_MAX && !LONG_FILES[path]);
    expect(long.map(({ path, text }) => `${path}: ${text.split('\n').length} lines`)).toEqual([]);
    expect(Object.keys(LONG_FILES).filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it('names are kebab-case and say what a thing is', () => {
    const ours = ALL.filter((path) => /^(shared|control-plane|agent|web|cli|test|infra)\//.test(path));
    const vague = /(^|[/.-])(utils?|helpers?|common|managers?|services?|handlers?|misc|stuff)([/.-]|$)/;
    expect(ours.filter((path) => vague.test(path) && !path.endsWith('.service'))).toEqual([]);
    expect(
      SOURCES.filter(({ path }) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9-]+)*$/.test(path.split('/').at(-1) ?? '')).map(({ path }) => path),
    ).toEqual([]);
  });

  it('nothing is exported by default or passed on by a barrel', () => {
    const own = SOURCES.filter(({ path }) => !/\.config\.ts$/.test(path));
    expect(lines(own, /^export default\b/)).toEqual([]);
    expect(lines(PRODUCT, /^export (\*|\{[^}]*\}) from\b/)).toEqual([]);
  });

  it('every answer of the API and the page is made by reply(), which forbids what no page may do', () => {
    const answering = under('control-plane/src/http/').filter(({ path }) => !path.endsWith('/reply.ts'));
    expect(lines(answering, /\bnew Response\(|\bResponse\.json\(/)).toEqual([]);
  });

  it('nothing is left for later in a comment', () => {
    const words = new RegExp(`\\b(${['TO', 'DO'].join('')}|${['FIX', 'ME'].join('')}|${['X', 'XX'].join('')})\\b`);
    expect(SOURCES.flatMap(({ path, text }) => matching(path, text, words))).toEqual([]);
  });

  it('the type checker is never told to look away', () => {
    expect(PRODUCT.flatMap(({ path, text }) => matching(path, text, /@ts-(ignore|nocheck|expect-error)|biome-ignore-all/))).toEqual([]);
    expect(lines(SOURCES, new RegExp(`: ${ANY}|\\bas ${ANY}|<${ANY}>`))).toEqual([]);
  });

  it('every file is used: product code by an entry, the rest by an entry or a test', () => {
    const byEntries = reachedFrom(ENTRIES);
    const byAny = reachedFrom(SOURCES.filter(({ path }) => isEntry(path)).map(({ path }) => path));
    // A part is judged once its entry is there, what is shared once all who use it are.
    const begun = WORKSPACES.filter((workspace) => ENTRIES.some((entry) => entry.startsWith(`${workspace}/`) && byEntries.has(entry)));
    const judged = begun.length === WORKSPACES.length - 1 ? WORKSPACES : begun;
    const isJudged = (path: string) => judged.some((workspace) => path.startsWith(`${workspace}/`));
    const dead = SOURCES.filter(({ path }) => (PRODUCT_PATHS.has(path) ? isJudged(path) && !byEntries.has(path) : !byAny.has(path)));
    expect(dead.map(({ path }) => path)).toEqual([]);
  });
});

// --- how ---------------------------------------------------------------------------------------------------------------

function under(folder: string): Source[] {
  return PRODUCT.filter(({ path }) => path.startsWith(folder));
}

function offences(sources: readonly Source[], isWrong: (name: string, path: string) => boolean): string[] {
  return sources.flatMap(({ path, imports }) => imports.filter((name) => isWrong(name, path)).map((name) => `${path} imports ${name}`));
}

function lines(sources: readonly Source[], pattern: RegExp): string[] {
  return sources.flatMap(({ path, code }) => matching(path, code, pattern));
}

function matching(path: string, text: string, pattern: RegExp): string[] {
  return text.split('\n').flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : []));
}

/** Every file that these import, directly or not, and they themselves. */
function reachedFrom(paths: readonly string[]): Set<string> {
  const reached = new Set<string>();
  const left = [...paths];
  for (let path = left.pop(); path !== undefined; path = left.pop()) {
    const source = BY_PATH.get(path);
    if (!source || reached.has(path)) continue;
    reached.add(path);
    for (const name of source.imports) left.push(resolve(path, name));
  }
  return reached;
}

function importsOf(text: string): string[] {
  const found = text.matchAll(
    /^\s*(?:import|export)\b[^'"`;]*?from\s*['"]([^'"]+)['"]|^\s*import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/gm,
  );
  return [...found].map(([, from, bareImport, dynamic]) => from ?? bareImport ?? dynamic ?? '');
}

function importsTypesOnly(path: string, name: string): boolean {
  const statements =
    (BY_PATH.get(path)?.text ?? '').match(new RegExp(`^import\\b[^;]*?['"]${name.replaceAll('.', '\\.')}['"]`, 'gm')) ?? [];
  return statements.length > 0 && statements.every((statement) => statement.startsWith('import type '));
}

/** Where an import leads, as a path of the repository; '' for a package that is not ours. */
function resolve(path: string, name: string): string {
  const clean = name.replace(/\?.*$/, '');
  if (clean.startsWith('.')) return normalize(join(dirname(path), clean));
  const ours = /^@drover\/([a-z-]+)\/(.+)$/.exec(clean);
  return ours ? `${ours[1]}/src/${ours[2]}.ts` : '';
}

const staysIn = (workspace: string, name: string) => name.startsWith('.') || name.startsWith(`@drover/${workspace}/`);
const resolvesTo = (path: string, name: string, part: string) => resolve(path, name).includes(part);
const leavesWorkspace = (path: string, name: string) => resolve(path, name).split('/')[0] !== path.split('/')[0];

/** Blanks comments and the inside of quotes; line numbers stay. */
function bare(text: string): string {
  const token = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"/g;
  return text.replace(token, (found) => (found.startsWith('/') ? found.replace(/[^\n]/g, ' ') : `''`));
}
