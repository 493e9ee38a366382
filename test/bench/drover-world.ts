import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { GuestView, ImageView, Page, TaskView } from '@drover/shared/api/views';
import { natTableName } from '../../agent/src/drivers/network/nat-rules.ts';
import { uploadBusybox } from '../system/busybox-image.ts';
import { startWorld, type World } from '../system/world.ts';
import { type ApiClient, connectApi } from './api-client.ts';
import type { Cleanup } from './cleanup.ts';
import { runProgram } from './run-program.ts';

const INSTANCE = 'b';
const BRIDGE = `drover${INSTANCE}0`;

/** The Drover that is measured: real processes, an image of busybox, and what the bare tools share with it. */
export interface DroverWorld {
  readonly api: ApiClient;
  readonly bridge: string;
  readonly storagePath: string;
  readonly image: ImageView;
  readonly imageRootfs: string;
  readonly pids: { readonly agent: number; readonly controlPlane: number };
}

export async function startDrover(cleanup: Cleanup): Promise<DroverWorld> {
  const world = await startWorld({ instance: INSTANCE });
  const { runPath } = world.agentConfig();
  cleanup.add('Drover', () => endDrover(world, runPath));
  const image = await uploadBusybox(world);
  const api = await connectApi(world.url, world.token);
  cleanup.add('the connection to Drover', () => api.close());
  const storagePath = join(world.dataPath, 'agent/storage/local');
  const pids = { agent: world.agent.pid, controlPlane: world.controlPlane.pid };
  return { api, bridge: BRIDGE, storagePath, image, imageRootfs: join(storagePath, 'images', image.id, 'rootfs'), pids };
}

async function endDrover(world: World, runPath: string): Promise<void> {
  await removeGuests(world).catch(async () => {
    // Ctrl-C reached its processes too: they are needed once more.
    await endProcesses(world);
    await world.startControlPlane();
    await world.startAgent();
    await removeGuests(world);
  });
  await endProcesses(world);
  await world.wire.close();
  await sweep(world, runPath);
}

async function endProcesses(world: World): Promise<void> {
  await world.agent.end('SIGTERM');
  await world.controlPlane.end('SIGTERM');
}

async function removeGuests({ api }: World): Promise<void> {
  const { items } = await api.get<Page<GuestView>>('/guests?limit=1000');
  for (const { id } of items) await api.finish((await api.send<{ task: TaskView }>('DELETE', `/guests/${id}?force=true`)).task);
}

/** What the host keeps beyond the agent's end: processes, mounts, devices, rules, files. */
async function sweep(world: World, runPath: string): Promise<void> {
  const marks = [world.dataPath, runPath];
  for (let left = processesOf(marks); left.length > 0; left = processesOf(marks)) {
    for (const pid of left) kill(pid);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  for (const mount of mounts.reverse()) {
    const target = mount.split(' ')[4];
    if (target?.startsWith(`${world.dataPath}/`)) await runProgram('umount', ['--lazy', target]);
  }
  for (const tap of readdirSync('/sys/class/net').filter((name) => name.startsWith(`tap${INSTANCE}`)))
    await runProgram('ip', ['link', 'delete', tap]);
  await runProgram('ip', ['link', 'delete', BRIDGE]);
  await runProgram('nft', ['delete', 'table', 'inet', natTableName(INSTANCE, BRIDGE)]);
  for (const folder of marks) rmSync(folder, { recursive: true, force: true });
}

/** Processes on whose command line one of the paths stands: both are of this run alone. */
function processesOf(paths: readonly string[]): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)
    .map(Number)
    .filter((pid) => {
      const line = commandLineOf(pid);
      return paths.some((path) => line.includes(path));
    });
}

function commandLineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    // It ended while we were looking.
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
