import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Api, createApi } from './api.ts';
import { launch, type RunningProcess } from './process.ts';
import { layWire, type Wire } from './proxy.ts';

const ROOT = join(import.meta.dirname, '../..');

/** A control plane and an agent of their own: real processes, real guests, nothing shared with a Drover that this machine may run. */
export interface World {
  readonly url: string;
  readonly dataPath: string;
  readonly port: number;
  readonly api: Api;
  readonly token: string;
  controlPlane: RunningProcess;
  agent: RunningProcess;
  /** The wire between agent and control plane. */
  readonly wire: Wire;
  /** What the agent was enrolled with. */
  agentConfig(): { readonly runPath: string; readonly instance: string };
  startControlPlane(): Promise<void>;
  startAgent(): Promise<void>;
  /** What `drover` (the CLI) needs to talk to this world. */
  readonly cliEnv: Readonly<Record<string, string>>;
  /** Ends everything and removes what is left: guests, bridge, files. */
  close(): Promise<void>;
}

export interface WorldOptions {
  /** One to three letters or digits: sets device names apart from every other Drover on this machine. */
  readonly instance: string;
}

export async function startWorld({ instance }: WorldOptions): Promise<World> {
  const dataPath = mkdtempSync(join(tmpdir(), 'drover-system-'));
  spawnSync('chmod', ['711', dataPath]);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const env = { DROVER_DATA: dataPath, DROVER_PORT: String(port), DROVER_INSTANCE: instance };
  const agentFolder = join(dataPath, 'agent');
  const wire = await layWire(port);

  async function startControlPlane() {
    world.controlPlane = launch([join(ROOT, 'control-plane/dist/main.js')], env, ROOT);
    await world.controlPlane.untilSays(/control plane is at/);
  }

  async function startAgent() {
    world.agent = launch(
      [join(ROOT, 'agent/dist/agent.js'), 'run', '--config', join(agentFolder, 'agent.json'), '--url', wire.url],
      env,
      ROOT,
    );
    await world.agent.untilSays(/agent of host/);
  }

  const nothing: RunningProcess = {
    output: () => '',
    pid: 0,
    untilSays: () => Promise.reject(new Error('not started')),
    end: async () => null,
    ended: Promise.resolve(null),
    isRunning: () => false,
    write: () => {},
  };
  const world: World = {
    url,
    dataPath,
    port,
    token: '',
    api: createApi(url, ''),
    cliEnv: {},
    wire,
    agentConfig: () => JSON.parse(readFileSync(join(agentFolder, 'agent.json'), 'utf8')),
    controlPlane: nothing,
    agent: nothing,
    startControlPlane,
    startAgent,
    async close() {
      await removeGuests(world).catch(() => {});
      await world.agent.end('SIGTERM');
      await world.controlPlane.end('SIGTERM');
      await wire.close();
      sweep(instance, dataPath, world.agentConfig().runPath);
    },
  };
  await startControlPlane();
  const token = readFileSync(join(dataPath, 'control-plane/local-token'), 'utf8').trim();
  Object.assign(world, { token, api: createApi(url, token), cliEnv: { DROVER_URL: url, DROVER_TOKEN: token } });
  const enrolment = await world.api.send<{ token: string }>('POST', '/hosts/enrolments', {});
  const enrolled = launch(
    [join(ROOT, 'agent/dist/agent.js'), 'enrol', '--url', url, '--token', enrolment.token, '--data', agentFolder, '--instance', instance],
    env,
    ROOT,
  );
  if ((await enrolled.ended) !== 0) throw new Error(`the agent could not enrol: ${enrolled.output()}`);
  await startAgent();
  await world.api.until<{ items: { ready: boolean }[] }>(
    '/networks',
    ({ items }) => items.length > 0 && items.every((network) => network.ready),
  );
  return world;
}

async function removeGuests(world: World): Promise<void> {
  const { items } = await world.api.get<{ items: { name: string }[] }>('/guests?limit=1000');
  for (const { name } of items) {
    const { task } = await world.api.send<{ task: Parameters<Api['finish']>[0] }>('DELETE', `/guests/${name}?force=true`);
    await world.api.finish(task);
  }
}

/** Whatever a failed test left: processes of its guests, its bridge, its firewall table, its mounts, its files. */
export function sweep(instance: string, dataPath: string, runPath: string): void {
  for (const path of [dataPath, runPath]) spawnSync('pkill', ['-KILL', '-f', path]);
  spawnSync('ip', ['link', 'delete', `drover${instance}0`]);
  spawnSync('nft', ['delete', 'table', 'inet', `drover${instance}_drover${instance}0`]);
  rmSync(runPath, { recursive: true, force: true });
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  for (const mount of mounts.reverse()) {
    const target = mount.split(' ')[4];
    if (target?.startsWith(`${dataPath}/`)) spawnSync('umount', ['-l', target]);
  }
  rmSync(dataPath, { recursive: true, force: true });
}

/** A port on the loopback that nobody listens on now. */
export async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no free port'))));
    });
  });
}
