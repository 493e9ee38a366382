import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Problem } from '@drover/shared/lib/problem';
import { lookAtQemu } from '../../agent/src/drivers/guest/qemu-host.ts';
import { attachConsole } from './attach-console.ts';
import type { LabHost } from './host.ts';
import { ensureImage } from './image.ts';
import { Lab, MEMORY_MIB } from './lab.ts';
import { HELP, type Order, parseOrder, sizeOf, wholeNumber } from './options.ts';
import { ensureSaved } from './saved.ts';
import { labFolder } from './state.ts';

const ROOT = join(import.meta.dirname, '../..');

/** One command each, for people; tests call the same functions. Gives the exit code. */
const VERBS: Readonly<Record<string, (order: Order) => Promise<number | undefined>>> = {
  prepare,
  up,
  list,
  exec,
  copy,
  test,
  down: async ({ lab }) => {
    await Lab.down(lab);
    return say('Down.');
  },
  logs: async ({ lab, words: [folder = 'test-results/lab'] }) => {
    await Lab.open(lab).collect(resolve(folder));
    return say(`They are in ${folder}.`);
  },
  console: (order) =>
    withHost(order, async (host) => (order.text ? void process.stdout.write(host.console()) : attachConsole(host.folder))),
  screenshot: (order) =>
    withHost(order, async (host, [path]) => {
      await host.screenshot(resolve(needed(path, 'a file for the picture')));
    }),
  cut: (order) => withHost(order, (host) => host.cut(order.way)),
  mend: (order) => withHost(order, (host) => host.mend()),
  delay: (order) => withHost(order, (host) => host.delay(needed(order.ms, '--ms'))),
  throttle: (order) => withHost(order, (host) => host.throttle(needed(order.kbit, '--kbit'))),
  freeze: (order) => withHost(order, (host) => host.freeze()),
  thaw: (order) => withHost(order, (host) => host.thaw({ keepClock: order.keepClock })),
  reset: (order) => withHost(order, (host) => host.reset()),
  'power-cut': (order) => withHost(order, (host) => host.powerCut()),
  'power-on': (order) =>
    withHost(order, async (host) => {
      await host.powerOn();
      say(`It boots, which takes a minute or two: npm run lab -- console ${host.number} shows how.`);
    }),
  disk: (order) => withHost(order, async (host, [size]) => say(`In the host it is ${await host.addDisk(sizeOf(size))}`)),
};

async function prepare({ release, memoryMiB = MEMORY_MIB }: Order): Promise<undefined> {
  const tell = (line: string) => console.error(line);
  await ensureSaved(await lookAtQemu(), await ensureImage(release, tell), memoryMiB, tell);
  return say('The image of a host and its first boot are there.');
}

async function up({ lab: name, words: [count], release, memoryMiB, controlPlane }: Order): Promise<undefined> {
  const hosts = wholeNumber(count, 'how many hosts') ?? 3;
  const startedMs = Date.now();
  // Ctrl-C removes what was begun; a second one does not wait for that.
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupt.abort());
  const more = memoryMiB === undefined ? {} : { memoryMiB };
  const lab = await Lab.up({ name, hosts, release, controlPlane, say: (line) => console.error(line), signal: interrupt.signal, ...more });
  say(`Up in ${((Date.now() - startedMs) / 1_000).toFixed(1)} s.\n`);
  tellOf(lab);
  say('\nTry: npm run lab -- exec 1 uptime; npm run lab -- --help');
}

async function list({ lab: name }: Order): Promise<undefined> {
  tellOf(Lab.open(name));
}

function tellOf(lab: Lab): void {
  say(`Control plane  ${lab.controlPlaneUrl ?? `none; this machine is ${lab.gateway} to the hosts`}`);
  const link = join(labFolder(lab.name), 'drover/control-plane/sign-in-link');
  if (existsSync(link)) say(`Sign in        ${readFileSync(link, 'utf8').trim()}   (works once)`);
  for (const host of lab.hosts) {
    const { name, address, cut, kbit } = host.record();
    const notes = [host.isOn() ? 'on' : 'off', cut && `cut ${cut}`, kbit && `${kbit} kbit/s`].filter(Boolean).join(', ');
    say(`${String(host.number).padEnd(3)}${name.padEnd(12)}${address.padEnd(15)}${notes}`);
  }
}

function exec(order: Order): Promise<number | undefined> {
  return withHost(order, async (host, command) => {
    const options = order.stdin ? { input: await readInput() } : {};
    const { code, stdout, stderr } = await host.exec(command, { ...options, timeoutMs: 86_400_000 });
    process.stdout.write(stdout);
    process.stderr.write(stderr);
    return code;
  });
}

async function copy({ lab: name, words: [from, to] }: Order): Promise<undefined> {
  const lab = Lab.open(name);
  const source = placeOf(needed(from, 'what to copy'));
  const target = placeOf(needed(to, 'where to'));
  if (source.host === null && target.host !== null) await lab.host(target.host).copyTo(source.path, target.path);
  else if (source.host !== null && target.host === null) await lab.host(source.host).copyFrom(source.path, target.path);
  else
    throw new Problem('bad-request', 'one of the two places is in a host, the other on this machine', {
      suggestion: 'copy a.txt 1:/root/a.txt',
    });
}

function placeOf(text: string): { readonly host: number | null; readonly path: string } {
  const [, host, path] = /^(\d):(\/.*)$/.exec(text) ?? [];
  return host && path ? { host: Number(host), path } : { host: null, path: resolve(text) };
}

function test({ words, nightly }: Order): Promise<number> {
  const env = { ...process.env, ...(nightly ? { DROVER_LAB_NIGHTLY: '1' } : {}) };
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
  const projects = ['lab', 'lab-hosts', ...(nightly ? ['lab-bookworm'] : [])];
  const child = spawn(process.execPath, [vitest, 'run', ...projects.flatMap((project) => ['--project', project]), ...words], {
    cwd: ROOT,
    stdio: 'inherit',
    env,
  });
  return new Promise((done) => child.on('close', (code) => done(code ?? 1)));
}

async function withHost(order: Order, act: (host: LabHost, words: readonly string[]) => Promise<unknown>): Promise<number | undefined> {
  const [word, ...words] = order.words;
  const host = Lab.open(order.lab).host(needed(wholeNumber(word, 'which host'), "a host's number"));
  const answer = await act(host, words);
  host.close();
  return typeof answer === 'number' ? answer : undefined;
}

function needed<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Problem('bad-request', `missing: ${what}`, { suggestion: 'npm run lab -- --help' });
  return value;
}

/** The agent takes input only as a whole, with the command. */
async function readInput(): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

function say(line: string): undefined {
  console.log(line);
}

async function main(): Promise<number> {
  // Paths are those of the folder where npm was called, not of the root that it runs scripts in.
  if (process.env.INIT_CWD && existsSync(process.env.INIT_CWD)) process.chdir(process.env.INIT_CWD);
  const order = parseOrder(process.argv.slice(2));
  if (order === null) {
    say(HELP);
    return 0;
  }
  const act = VERBS[order.verb];
  if (!act) throw new Problem('bad-request', `there is no command ${order.verb}`, { suggestion: 'npm run lab -- --help' });
  return (await act(order)) ?? 0;
}

main().then(
  (code) => process.exit(code),
  (thrown: unknown) => {
    const problem = Problem.from(thrown);
    console.error([problem.message, problem.suggestion].filter(Boolean).join('; '));
    process.exit(1);
  },
);
