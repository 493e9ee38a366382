import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CellFilesView, CellsView } from '@drover/shared/api/cells';
import type { EnrolmentView, GuestView, HostView, ImageView, Page, TaskView } from '@drover/shared/api/views';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { z } from 'zod';
import { type LibsqlServer, startLibsqlServer } from '../control-plane/libsql-server.ts';
import { type RunningSimulatedHost, startSimulatedHost } from '../simulation/host.ts';
import { createApi } from '../system/api.ts';
import { launch, type RunningProcess } from '../system/process.ts';
import { type BrokerProgram, freePort, mosquitto } from './broker-programs.ts';

/** Two control planes, as processes, on one database and one Mosquitto; hosts reach whichever is there. */

const ROOT = join(import.meta.dirname, '../..');
const KEYS = ['vault-keys.json', 'signing-key.json', 'broker-secret', 'local-token'];

let folder: string;
let database: LibsqlServer;
let planes: Plane[];
let front: { readonly url: string; close(): void };
let ends: (() => unknown)[];

interface Plane {
  readonly port: number;
  readonly process: RunningProcess;
}

async function startPlane(name: string): Promise<Plane> {
  const port = await freePort();
  const env = { DROVER_DATA: join(folder, name), DROVER_PORT: String(port), DROVER_LISTEN: '127.0.0.1', DROVER_DATABASE_URL: database.url };
  const running = launch(['infra/run.mjs', 'control-plane/src/main.ts'], env, ROOT);
  ends.push(() => running.end('SIGKILL'));
  await running.untilSays(/control plane is at/);
  return { port, process: running };
}

/** What stands before several control planes: each connection goes to one that is there. */
async function layFront(): Promise<{ url: string; close(): void }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((near) => {
    const plane = planes.find(({ process }) => process.isRunning());
    const far = connect(plane?.port ?? 1, '127.0.0.1');
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => to.destroy());
      from.pipe(to);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'drover-several-'));
  ends = [];
  database = await startLibsqlServer(join(folder, 'shared.db'));
  planes = [await startPlane('a')];
  mkdirSync(join(folder, 'b/control-plane'), { recursive: true, mode: 0o700 });
  for (const key of KEYS) copyFileSync(join(folder, 'a/control-plane', key), join(folder, 'b/control-plane', key));
  planes.push(await startPlane('b'));
  front = await layFront();
}, 60_000);
afterEach(async () => {
  for (const end of ends.reverse()) await end();
  front.close();
  await database.close();
  rmSync(folder, { recursive: true, force: true });
});

const token = () => readFileSync(join(folder, 'a/control-plane/local-token'), 'utf8').trim();
const apiOf = (plane: Plane) => createApi(`http://127.0.0.1:${plane.port}`, token());
type Cells = z.infer<typeof CellsView>;
const serves = async (plane: Plane, name: string): Promise<boolean> =>
  (await apiOf(plane).get<Cells>('/cells')).items.some((cell) => cell.name === name && cell.served && cell.reached);

async function addMosquitto(name: string): Promise<BrokerProgram> {
  const api = apiOf(planes[0] as Plane);
  const program = await mosquitto(async (url) => {
    await api.send('POST', '/cells', { name, profile: 'mosquitto', urls: [url] });
    return (await api.get<z.infer<typeof CellFilesView>>(`/cells/${name}/setup`)).files;
  });
  ends.push(program.close);
  return program;
}

async function addHost(name: string): Promise<RunningSimulatedHost> {
  const { token: enrolment } = await apiOf(planes[0] as Plane).send<EnrolmentView>('POST', '/hosts/enrolments', {});
  const host = await startSimulatedHost({ controlPlaneUrl: front.url, token: enrolment, dataPath: join(folder, name), name });
  ends.push(() => host.stop());
  return host;
}

/** Makes an image on h1; what it gives makes guests of it there, which run. */
async function guestsOfH1(api: ReturnType<typeof apiOf>): Promise<(name: string) => Promise<unknown>> {
  const image = { name: 'debian-13', form: 'container', host: 'h1' };
  const accepted = await api.send<{ resource: ImageView; task: TaskView }>('POST', '/images', image);
  await api.finish(accepted.task);
  const about = { type: 'container', image: accepted.resource.id, host: 'h1', memoryBytes: 128 * 2 ** 20, start: true };
  return (name) => api.send('POST', '/guests', { name, ...about });
}

it('serves a fleet with several processes: one holds each cell, and when it is killed another has it within ten seconds, with nothing lost', async () => {
  await addMosquitto('eu');
  const [a, b] = planes as [Plane, Plane];
  await apiOf(a).send('POST', '/cells/main/drain', {});
  await vi.waitFor(async () => expect([await serves(a, 'eu'), await serves(b, 'eu')]).toContain(true), { timeout: 20_000 });
  // One of them alone.
  expect([await serves(a, 'eu'), await serves(b, 'eu')].filter(Boolean)).toHaveLength(1);
  const [holder, other] = (await serves(a, 'eu')) ? [a, b] : [b, a];

  await addHost('h1');
  const api = apiOf(other);
  await vi.waitFor(async () => expect((await api.get<HostView>('/hosts/h1')).connected).toBe(true), { timeout: 20_000 });
  expect((await api.get<HostView>('/hosts/h1')).cell).toBe('eu');
  // Written here, sent by the other process.
  const create = await guestsOfH1(api);
  const names = Array.from({ length: 12 }, (_, index) => `g${index}`);
  for (const name of names.slice(0, 6)) await create(name);
  await holder.process.end('SIGKILL');
  const killedAtMs = Date.now();
  for (const name of names.slice(6)) await create(name);
  await vi.waitFor(async () => expect(await serves(other, 'eu')).toBe(true), { timeout: 30_000, interval: 100 });
  const tookMs = Date.now() - killedAtMs;
  expect(tookMs).toBeLessThan(10_000);
  const running = async () =>
    (await api.get<Page<GuestView>>('/guests')).items.filter(({ state }) => state === 'running').map(({ name }) => name);
  await vi.waitFor(async () => expect((await running()).sort()).toEqual([...names].sort()), { timeout: 60_000, interval: 200 });
}, 120_000);

it('moves a host from one broker to another, and no command is lost on the way', async () => {
  await addMosquitto('eu');
  await addMosquitto('us');
  const [a] = planes as [Plane];
  const api = apiOf(a);
  await api.send('POST', '/cells/main/drain', {});
  await addHost('h1');
  await vi.waitFor(async () => expect((await api.get<HostView>('/hosts/h1')).connected).toBe(true), { timeout: 30_000 });
  const create = await guestsOfH1(api);
  const names: string[] = [];
  for (const cell of ['us', 'eu', 'us']) {
    names.push(`before-${names.length}`);
    await create(names.at(-1) ?? '');
    await api.send('POST', '/hosts/h1/move', { cell });
    names.push(`after-${names.length}`);
    await create(names.at(-1) ?? '');
  }
  const running = async () =>
    (await api.get<Page<GuestView>>('/guests')).items.filter(({ state }) => state === 'running').map(({ name }) => name);
  await vi.waitFor(async () => expect((await running()).sort()).toEqual([...names].sort()), { timeout: 60_000, interval: 200 });
  // A whole cell, by itself.
  await api.send('POST', '/cells/us/drain', {});
  await vi.waitFor(
    async () => {
      const cells = (await api.get<Cells>('/cells')).items;
      expect(cells.map(({ name, hosts, connectedHosts }) => [name, hosts, connectedHosts])).toEqual([
        ['eu', 1, 1],
        ['main', 0, 0],
        ['us', 0, 0],
      ]);
    },
    { timeout: 30_000, interval: 200 },
  );
}, 120_000);
