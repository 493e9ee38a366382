import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import { z } from 'zod';
import { launch, type RunningProcess } from '../system/process.ts';
import { connectBody, enrolBody, type Json, type Key, makeKey, post, settled, WAIT, WireSession } from './wire-host.ts';

export const ROOT = join(import.meta.dirname, '../..');

export const schema = (name: string) => z.fromJSONSchema(JSON.parse(readFileSync(join(ROOT, `docs/protocol/${name}.schema.json`), 'utf8')));

export interface WireHost {
  readonly key: Key;
  readonly id: string;
  readonly name: string;
  readonly pinned: Json[];
}

/** A real control plane as a process of its own, and hosts that speak to it over the wire alone. */
export interface WireWorld {
  readonly url: string;
  readonly process: RunningProcess;
  api(method: string, path: string, body?: object): Promise<Json>;
  enrolment(): Promise<string>;
  enrolled(): Promise<WireHost>;
  connect(host: WireHost, over?: object, key?: Key): ReturnType<typeof post>;
  session(host: WireHost): Promise<WireSession>;
  /** Connected, introduced, and with its storage and network as wished. */
  ready(): Promise<{ readonly host: WireHost; readonly wire: WireSession }>;
  hostView(host: WireHost): Promise<Json>;
  makeImage(host: WireHost): Promise<Json>;
  placedOn(host: WireHost, kind: 'storages' | 'networks' | 'images'): Promise<Json[]>;
  /** Ends it when the test is over. */
  later(end: () => Promise<unknown>): void;
  /** After each test. */
  tidyUp(): Promise<void>;
  close(): Promise<void>;
}

export async function startWireWorld(): Promise<WireWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'drover-conformance-'));
  const env = { DROVER_DATA: folder, DROVER_PORT: '0', DROVER_LISTEN: '127.0.0.1', DROVER_URL: '', DROVER_PUBLIC_URL: '' };
  const process = launch([join(ROOT, 'infra/run.mjs'), 'control-plane/src/main.ts'], env, ROOT);
  const said = await process.untilSays(/control plane is at http:\/\/\S+:\d+/);
  const url = `http://127.0.0.1:${said.split(':').at(-1)}`;
  const token = readFileSync(join(folder, 'control-plane/local-token'), 'utf8').trim();
  const ends: (() => Promise<unknown>)[] = [];

  async function api(method: string, path: string, body?: object): Promise<Json> {
    const headers = { 'authorization': `Bearer ${token}`, 'content-type': 'application/json' };
    const response = await fetch(`${url}/api/v1${path}`, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) });
    const answer = await response.json().catch(() => null);
    if (!response.ok) throw new Error(`${response.status} ${answer?.detail}`);
    return answer;
  }
  const enrolment = async (): Promise<string> => (await api('POST', '/hosts/enrolments', {})).token;
  async function enrolled(): Promise<WireHost> {
    const key = makeKey();
    const { status, json } = await post(`${url}/agent/v1/enrol`, await enrolBody(key, await enrolment()));
    expect(status).toBe(200);
    return { key, id: json.hostId, name: json.name, pinned: json.signingKeys };
  }
  const connect = async (host: WireHost, over: object = {}, key = host.key) =>
    post(`${url}/agent/v1/connect`, await connectBody(host.id, key, over));
  async function session(host: WireHost): Promise<WireSession> {
    const { status, json } = await connect(host);
    expect(status).toBe(200);
    schema('credentials').parse(json);
    const wire = await WireSession.open(json, host.id, host.pinned);
    ends.push(() => wire.end());
    return wire;
  }
  return {
    url,
    process,
    api,
    enrolment,
    enrolled,
    connect,
    session,
    async ready() {
      const host = await enrolled();
      const wire = await session(host);
      wire.hello(1, 1);
      await vi.waitFor(() => expect(wire.commands).toHaveLength(2), WAIT);
      // They come in any order: first the storage, then the network.
      wire.commands.sort((a, b) => b.resource.kind.localeCompare(a.resource.kind));
      wire.report(1, 2, { statuses: wire.commands.map((command) => settled(command)) });
      await wire.reply(1, 2);
      return { host, wire };
    },
    hostView: (host) => api('GET', `/hosts/${host.id}`),
    makeImage: (host) => api('POST', '/images', { name: 'debian-13', form: 'container', host: host.id }),
    placedOn: async (host, kind) =>
      (await api('GET', `/${kind}?limit=1000`)).items.filter((item: { host: { id: string } }) => item.host.id === host.id),
    later: (end) => void ends.push(end),
    async tidyUp() {
      for (const end of ends.splice(0)) await end();
    },
    async close() {
      await process.end('SIGTERM');
      rmSync(folder, { recursive: true });
    },
  };
}
