import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GuestView, HostView, SessionView, SignInLinkView, TaskView } from '@drover/shared/api/views';
import { type Api, createApi } from '../system/api.ts';
import { launch, type RunningProcess } from '../system/process.ts';

const ROOT = join(import.meta.dirname, '../..');

/** The built control plane and real agents on simulated hosts: everything between the page and a hypervisor is what people run. */
export interface World {
  readonly url: string;
  /** One-time: each call makes another. */
  signInLink(): Promise<string>;
  /** Somebody new, with a link of theirs. */
  newcomer(name: string): Promise<string>;
  /** The API as the owner's programs use it: what somebody else does at another machine. */
  api(): Api;
  /** A guest that is as asked for, made elsewhere. */
  guest(input: Readonly<Record<string, unknown>>): Promise<GuestView>;
  /** Another simulated host, joining by this enrolment token. */
  addHost(name: string, token: string): Promise<void>;
  stopHosts(): Promise<void>;
  startHosts(): Promise<void>;
  stopControlPlane(): Promise<void>;
  startControlPlane(): Promise<void>;
  close(): Promise<void>;
}

export async function startWorld(options: { readonly hosts: number } = { hosts: 2 }): Promise<World> {
  const dataPath = mkdtempSync(join(tmpdir(), 'drover-web-'));
  const port = await freePort();
  const url = `http://localhost:${port}`;
  const env = { DROVER_DATA: dataPath, DROVER_PORT: String(port), DROVER_PUBLIC_URL: '' };
  const others: RunningProcess[] = [];
  let controlPlane: RunningProcess | null = null;
  let hosts: RunningProcess | null = null;
  let token = '';
  const api = (): Api => createApi(url, token);

  const world: World = {
    url,
    api,
    async signInLink() {
      const { user } = await api().get<SessionView>('/session');
      return (await api().send<SignInLinkView>('POST', `/users/${user.id}/sign-in-link`, {})).signInUrl;
    },
    async newcomer(name) {
      return (await api().send<SignInLinkView>('POST', '/users', { name, role: 'operator' })).signInUrl;
    },
    async guest(input) {
      // Always on the same host: others may have joined by now, which stopHosts does not stop.
      const body = { type: 'container', image: 'debian-13', host: 'sim-1', ...input };
      await api().until<HostView>(`/hosts/${body.host}`, ({ connected }) => connected);
      const { resource, task } = await api().send<{ resource: GuestView; task: TaskView }>('POST', '/guests', body);
      await api().finish(task);
      return api().guest(resource.name);
    },
    async addHost(name, enrolment) {
      const args = ['infra/run.mjs', 'test/simulation/dev-host.ts', '--url', url, '--token', enrolment, '--name', name];
      const host = launch(args, env, ROOT);
      others.push(host);
      await host.untilSays(/connected to/);
    },
    async stopHosts() {
      await hosts?.end('SIGTERM');
      hosts = null;
    },
    async startHosts() {
      if (options.hosts === 0) return;
      const args = ['infra/run.mjs', 'test/simulation/dev-host.ts', '--url', url, '--token', token, '--hosts', String(options.hosts)];
      hosts = launch(args, env, ROOT);
      for (let index = 1; index <= options.hosts; index += 1) await hosts.untilSays(new RegExp(`sim-${index}: connected`));
    },
    async stopControlPlane() {
      await controlPlane?.end('SIGKILL');
      controlPlane = null;
    },
    async startControlPlane() {
      controlPlane = launch([join(ROOT, 'control-plane/dist/main.js')], env, ROOT);
      await controlPlane.untilSays(/control plane is at/);
      token = readFileSync(join(dataPath, 'control-plane/local-token'), 'utf8').trim();
    },
    async close() {
      for (const process of [...others, hosts, controlPlane]) await process?.end('SIGTERM');
      rmSync(dataPath, { recursive: true, force: true });
    },
  };
  try {
    await world.startControlPlane();
    await world.startHosts();
  } catch (error) {
    await world.close();
    throw error;
  }
  return world;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port'))));
    });
  });
}
