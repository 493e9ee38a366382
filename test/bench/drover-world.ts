import { mkdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GuestView, NetworkView, Page, TaskView } from '@drover/shared/api/views';
import { type Api, createApi } from '../system/api.ts';
import { launch, type RunningProcess } from '../system/process.ts';
import { freePort } from '../system/world.ts';
import { type ApiClient, connectApi } from './api-client.ts';
import type { Cleanup } from './cleanup.ts';
import { BRIDGE, INSTANCE } from './ground.ts';
import { ROOT } from './root.ts';

/** The Drover that is measured: a control plane and an agent as real processes, and what the others share with it. */
export interface DroverWorld {
  readonly url: string;
  readonly token: string;
  /** For what is not measured. */
  readonly api: Api;
  readonly client: ApiClient;
  readonly bridge: string;
  readonly storagePath: string;
  readonly pids: { readonly agent: number; readonly controlPlane: number };
}

export async function startDrover(cleanup: Cleanup): Promise<DroverWorld> {
  const dataPath = join(tmpdir(), 'drover');
  mkdirSync(dataPath, { mode: 0o711 });
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}): RunningProcess => {
    const started = launch(args, { DROVER_DATA: dataPath, DROVER_PORT: String(port), ...env }, ROOT);
    cleanup.add(`${args[0]}`, () => started.end('SIGTERM'));
    return started;
  };
  const controlPlane = run([join(ROOT, 'control-plane/dist/main.js')]);
  await controlPlane.untilSays(/control plane is at/);
  const token = readFileSync(join(dataPath, 'control-plane/local-token'), 'utf8').trim();
  const api = createApi(url, token);

  const program = join(ROOT, 'agent/dist/agent.js');
  const folder = join(dataPath, 'agent');
  const enrolment = await api.send<{ token: string }>('POST', '/hosts/enrolments', {});
  const enrolled = run([program, 'enrol', '--url', url, '--token', enrolment.token, '--data', folder, '--instance', INSTANCE]);
  if ((await enrolled.ended) !== 0) throw new Error(`the agent could not enrol: ${enrolled.output()}${controlPlane.output()}`);
  // As infra/agent.mjs starts it.
  const agent = run([program, 'run', '--config', join(folder, 'agent.json')], { MALLOC_ARENA_MAX: '1' });
  await agent.untilSays(/agent of host/);
  await api.until<Page<NetworkView>>('/networks', ({ items }) => {
    const [hopeless] = items.flatMap(({ condition, problem }) => (condition === 'needs-attention' && problem ? [problem] : []));
    if (hopeless) throw new Error(`Drover's network: ${hopeless.detail}`);
    return items.length > 0 && items.every(({ ready }) => ready);
  });
  // Ctrl-C reaches its processes, too: its guests are then left to the clearing of the ground.
  cleanup.add('the guests of Drover', () => removeGuests(api).catch(() => {}));
  const client = await connectApi(url, token);
  cleanup.add('the connection to Drover', () => client.close());
  const pids = { agent: agent.pid, controlPlane: controlPlane.pid };
  return { url, token, api, client, bridge: BRIDGE, storagePath: join(folder, 'storage/local'), pids };
}

async function removeGuests(api: Api): Promise<void> {
  const { items } = await api.get<Page<GuestView>>('/guests?limit=1000');
  for (const { id } of items) await api.finish((await api.send<{ task: TaskView }>('DELETE', `/guests/${id}?force=true`)).task);
}
