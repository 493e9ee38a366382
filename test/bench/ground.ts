import { mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { natTableName } from '../../agent/src/drivers/network/nat-rules.ts';
import type { Cleanup } from './cleanup.ts';
import { runProgram } from './run-program.ts';

/** Sets Drover's devices apart from those of every other Drover on this machine, and the floor's and the peers' from Drover's. */
export const INSTANCE = 'b';
export const FLOOR_INSTANCE = 'rw';
export const BRIDGE = `drover${INSTANCE}0`;

/** Everything that a run makes lies below one folder, so that what a killed run left is found by the next. */
const FOLDER = join(tmpdir(), 'drover-bench');
const TAP = new RegExp(`^tap(${INSTANCE}|${FLOOR_INSTANCE})\\d{3,}i[0-9a-f]$`);

/** Clears the ground and keeps it for this run alone, until the cleanup. */
export async function takeGround(cleanup: Cleanup): Promise<void> {
  const lock = createServer();
  await new Promise<void>((resolve, reject) => {
    lock.once('error', () => reject(new Error('another benchmark runs on this machine: wait for its end')));
    // A name of the kernel's, not of a file: it goes with the process, however that ends.
    lock.listen('\0drover-bench', resolve);
  });
  cleanup.add('the lock', () => lock.close());
  await clearGround();
  cleanup.add('what is left', clearGround);
  mkdirSync(FOLDER, { mode: 0o711 });
  // Temporary folders of this process and of all that it starts.
  process.env.TMPDIR = FOLDER;
}

/** Processes, mounts, devices, rules, files. */
async function clearGround(): Promise<void> {
  const runFolders = runFoldersOfAgents();
  for (let left = processesOf([FOLDER, ...runFolders]); left.length > 0; left = processesOf([FOLDER, ...runFolders])) {
    for (const pid of left) kill(pid);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  for (const mount of readFileSync('/proc/self/mountinfo', 'utf8').split('\n').reverse()) {
    const target = mount.split(' ')[4];
    if (target?.startsWith(`${FOLDER}/`)) await runProgram('umount', ['--lazy', target]);
  }
  const devices = readdirSync('/sys/class/net');
  for (const device of devices.filter((name) => name === BRIDGE || TAP.test(name))) await runProgram('ip', ['link', 'delete', device]);
  const table = natTableName(INSTANCE, BRIDGE);
  await runProgram('nft', ['-f', '-'], { input: `table inet ${table} {}\ndelete table inet ${table}\n` });
  for (const folder of [FOLDER, ...runFolders]) rmSync(folder, { recursive: true, force: true });
}

function runFoldersOfAgents(): readonly string[] {
  return foldersIn(FOLDER).flatMap((name) => {
    const text = readText(join(FOLDER, name, 'agent/agent.json'));
    return text === '' ? [] : [String(JSON.parse(text).runPath)];
  });
}

const foldersIn = (path: string): readonly string[] => {
  try {
    return readdirSync(path);
  } catch {
    // There is none yet.
    return [];
  }
};

/** Started by a run: by its command line, its environment, or, within a container, the file system that is its root. */
function processesOf(folders: readonly string[]): readonly number[] {
  const names = (text: string) => folders.some((folder) => text.includes(`${folder}/`) || text.includes(`TMPDIR=${folder}`));
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)
    .filter((pid) => names(readText(`/proc/${pid}/cmdline`)) || names(readText(`/proc/${pid}/environ`)) || names(rootOf(pid)))
    .map(Number);
}

const OWN_MOUNTS = readlinkSync('/proc/self/ns/mnt');

/** What is mounted as the root of a process with mounts of its own. */
function rootOf(pid: string): string {
  try {
    if (readlinkSync(`/proc/${pid}/ns/mnt`) === OWN_MOUNTS) return '';
  } catch {
    // It ended while we were looking.
    return '';
  }
  const mounts = readText(`/proc/${pid}/mountinfo`).split('\n');
  return mounts.find((mount) => mount.split(' ')[4] === '/') ?? '';
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // Not there, or gone while we were looking.
    return '';
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself.
  }
}
