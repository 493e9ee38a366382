import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CliResult, collect } from './cli.ts';
import { follow, type RunningProcess } from './process.ts';
import { freePort, sweep } from './world.ts';

const ROOT = join(import.meta.dirname, '../..');
/** Debian's nobody and nogroup. */
const NOBODY = 65_534;
/** What a start says last. */
export const STARTED = /^Ctrl-C ends Drover/m;

/** Somebody in front of terminals in the clone, whose home, data folder and port are nobody else's. */
export interface Person {
  readonly folder: string;
  readonly dataPath: string;
  readonly url: string;
  readonly port: number;
  /** Types a line that stays, in a terminal of its own; with `more` in the environment. */
  begin(line: string, more?: Readonly<Record<string, string>>): RunningProcess;
  /** Ctrl-C: the signal goes to all that was begun by that line. Gives the exit code. */
  ctrlC(begun: RunningProcess): Promise<number | null>;
  /** Types a line in a second terminal and waits for its end. */
  type(line: string, more?: Readonly<Record<string, string>>): Promise<CliResult>;
  /** Ends what was started, and removes all that is left of it. */
  close(): Promise<void>;
}

export interface PersonOptions {
  /** Needed where there may be a host. */
  readonly instance?: string;
  readonly isRoot?: boolean;
}

export async function sitDown({ instance = '', isRoot = true }: PersonOptions): Promise<Person> {
  const folder = mkdtempSync(join(tmpdir(), 'drover-system-'));
  const home = join(folder, 'home');
  const dataPath = join(folder, 'data');
  const clone = join(folder, 'clone');
  // Root of an unprivileged container is nobody here, and passes through to its files.
  chmodSync(folder, 0o711);
  mkdirSync(home);
  mkdirSync(clone);
  const port = await freePort();
  const begun: RunningProcess[] = [];
  const env = { ...asTyped(process.env), HOME: home, DROVER_DATA: dataPath, DROVER_PORT: String(port), DROVER_INSTANCE: instance };
  if (!isRoot) {
    copyFor(NOBODY, clone);
    mkdirSync(dataPath);
    for (const own of [home, dataPath]) spawnSync('chown', [`${NOBODY}:${NOBODY}`, own]);
  }

  /** As a shell starts what is typed: the leader of a process group. */
  function launch(line: string, more: Readonly<Record<string, string>>): ChildProcessWithoutNullStreams {
    const [program, ...args] = isRoot ? ['sh', '-c', line] : inCloneAsNobody(clone, line);
    return spawn(program ?? '', args, { cwd: ROOT, env: { ...env, ...more }, detached: true });
  }

  return {
    folder,
    dataPath,
    port,
    url: `http://localhost:${port}`,
    begin(line, more = {}) {
      const running = follow(launch(`exec ${line}`, more), line, 'close');
      begun.push(running);
      return running;
    },
    ctrlC(running) {
      process.kill(-running.pid, 'SIGINT');
      return running.ended;
    },
    type(line, more = {}) {
      const child = launch(line, more);
      child.stdin.end();
      return collect(child);
    },
    async close() {
      for (const running of begun) if (running.isRunning()) await running.end('SIGTERM');
      const runPath = runPathOf(dataPath);
      // Where there was no host, there is nothing of this instance: it may be somebody else's.
      if (runPath) sweep(instance, folder, runPath);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The part of what a line said that `pattern` finds in its parentheses. */
export function said(running: RunningProcess, pattern: RegExp): string {
  const found = pattern.exec(running.output())?.[1];
  if (found === undefined) throw new Error(`it did not say ${pattern}:\n${running.output()}`);
  return found;
}

/** What a line that went well said. */
export function output({ code, stdout, stderr }: CliResult): string {
  if (code !== 0) throw new Error(`ended with ${code}: ${stdout}${stderr}`);
  return stdout;
}

/** Where the agent of this data folder keeps what runs; null before it was enrolled. */
export function runPathOf(dataPath: string): string | null {
  const path = join(dataPath, 'agent/agent.json');
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as { runPath: string }).runPath : null;
}

/** Without what a test runner, npm or a Drover of the developer's put there. */
function asTyped(env: NodeJS.ProcessEnv): Record<string, string> {
  const foreign = /^(DROVER|XDG|VITEST|npm|NODE_ENV|NODE_OPTIONS|TEST|CI$|FORCE_COLOR)/;
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined || foreign.test(name) ? [] : [[name, value]])),
  );
}

/** A copy of what is built here, so that it is theirs and lies where they may look; npm's packages are seen through a mount of their own. */
function copyFor(user: number, clone: string): void {
  // What is copied is as new as the sources, and so not built again.
  const built = spawnSync(process.execPath, [join(ROOT, 'infra/build.mjs')]);
  if (built.status !== 0) throw new Error(`the build failed: ${built.stderr}`);
  const parts = ['.npmrc', 'package.json', 'package-lock.json', 'shared', 'control-plane', 'agent', 'cli', 'web', 'infra'];
  const done = spawnSync('cp', ['--archive', ...parts.map((name) => join(ROOT, name)), clone]);
  if (done.status !== 0) throw new Error(`the clone could not be copied: ${done.stderr}`);
  mkdirSync(join(clone, 'node_modules'));
  spawnSync('chown', ['--recursive', `${user}:${user}`, clone]);
}

function inCloneAsNobody(clone: string, line: string): string[] {
  const script = `mount --bind "$1/node_modules" "$2/node_modules" && cd "$2" && exec setpriv --reuid=${NOBODY} --regid=${NOBODY} --clear-groups sh -c "$3"`;
  return ['unshare', '--mount', 'sh', '-c', script, 'sh', ROOT, clone, line];
}
