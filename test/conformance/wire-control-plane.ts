import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Aedes, type Client } from 'aedes';
import { compactVerify, importJWK } from 'jose';
import { vi } from 'vitest';
import { createWebSocketStream, WebSocketServer } from 'ws';
import { idOf, type Json, type Key, keyIdOf, makeKey, WAIT } from './wire-host.ts';

/** A control plane as docs/protocol.md describes it, by hand: a web server, a broker and a key. */
export class WireControlPlane {
  /** Its signing keys, the newest last. */
  readonly keys: Key[] = [makeKey()];
  readonly succession: string[] = [];
  /** What agents asked over HTTPS, with the path. */
  readonly requests: { readonly path: string; readonly body: Json; readonly claims: Json }[] = [];
  readonly reports: Json[] = [];
  readonly gone: Json[] = [];
  /** Reports are answered as they come. */
  answers = true;
  /** Reports that are not the first of a session and carry no hello are asked for one. */
  hostId = '';
  /** How many of the next requests fail. */
  failures = 0;
  /** How far its clock is ahead of the real one. */
  aheadMs = 0;
  /** Old agents' requests are refused, as by a control plane with another clock. */
  connections = 0;
  #counter = Date.now();
  readonly #clients = new Set<Client>();

  private constructor(
    private readonly server: Server,
    private readonly broker: Aedes,
    readonly url: string,
  ) {}

  static async start(): Promise<WireControlPlane> {
    const broker = await Aedes.createBroker();
    const sockets = new WebSocketServer({ noServer: true, handleProtocols: () => 'mqtt' });
    const server = createServer((request, response) => void world.#handle(request, response));
    server.on('upgrade', (request, socket, head) =>
      sockets.handleUpgrade(request, socket, head, (webSocket) => broker.handle(createWebSocketStream(webSocket), request)),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const world = new WireControlPlane(server, broker, `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`);
    broker.on('client', (client) => {
      world.connections += 1;
      world.#clients.add(client);
    });
    broker.on('clientDisconnect', (client) => void world.#clients.delete(client));
    broker.on('publish', ({ topic, payload }) => world.#heard(topic, payload.toString()));
    return world;
  }

  get signer(): Key {
    return this.keys.at(-1) ?? makeKey();
  }

  now(): number {
    return Date.now() + this.aheadMs;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body: Json = JSON.parse(Buffer.concat(chunks).toString() || 'null');
    const path = request.url ?? '';
    const answer = (status: number, json: Json) => {
      response.writeHead(status, { 'content-type': 'application/json', 'date': new Date(this.now()).toUTCString() });
      response.end(JSON.stringify(json));
    };
    const jws: string = body.proof ?? body.request;
    const claims: Json = JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString());
    this.requests.push({ path, body, claims });
    if (this.failures > 0) {
      this.failures -= 1;
      return answer(503, { detail: 'not now' });
    }
    if (path === '/agent/v1/enrol') {
      await compactVerify(body.proof, await importJWK(body.publicKey, 'EdDSA'));
      this.hostId = idOf({ publicJwk: body.publicKey, sign: this.signer.sign });
      return answer(200, { hostId: this.hostId, name: 'wire', signingKeys: [this.signer.publicJwk] });
    }
    if (Math.abs(claims.iat * 1_000 - this.now()) > 300_000) return answer(401, { detail: 'set the clock of the host' });
    const password = 'opaque';
    const identity = { username: this.hostId, clientId: this.hostId, password, cell: 'main', subQos: 1 };
    const urls = [`${this.url.replace('http', 'ws')}/mqtt`];
    answer(200, { urls, ...identity, expiresAtMs: this.now() + 86_400_000, keySuccession: this.succession });
  }

  #heard(topic: string, text: string): void {
    if (topic.endsWith('/up/gone')) this.gone.push(JSON.parse(text));
    if (!topic.endsWith('/up/report')) return;
    const report: Json = JSON.parse(text);
    this.reports.push(report);
    if (this.answers) this.reply(report);
  }

  reply(report: Json, over: object = {}): void {
    this.say(
      'down/reply',
      JSON.stringify({ v: 1, boot: report.boot, sequence: report.sequence, helloWanted: false, atMs: this.now(), ...over }),
    );
  }

  say(leaf: string, payload: string | Buffer): void {
    const topic = `drover/v1/main/${this.hostId}/${leaf}`;
    this.broker.publish({ cmd: 'publish', topic, payload: Buffer.from(payload), qos: 1, retain: false, dup: false }, () => {});
  }

  command(resource: object, over: object = {}): Json {
    this.#counter += 1;
    return {
      ...{ v: 1, host: this.hostId, counter: this.#counter, asOfMs: 0, issuedAtMs: this.now(), expiresAtMs: this.now() + 300_000 },
      resource: { hostId: this.hostId, generation: 1, deletion: null, ...resource },
      ...over,
    };
  }

  async sign(payload: object, key = this.signer): Promise<string> {
    return key.sign(payload, { kid: keyIdOf(key.publicJwk) });
  }

  /** Signs it and sends it; gives the very bytes, to be played back. */
  async send(command: object, key = this.signer): Promise<string> {
    const jws = await this.sign(command, key);
    this.say('down/command', jws);
    return jws;
  }

  async rotate(): Promise<void> {
    const before = this.signer;
    const next = makeKey();
    this.succession.push(
      await this.sign({ aud: 'drover-next-key', key: next.publicJwk, issuedAtMs: this.now(), overlapMs: 3_600_000 }, before),
    );
    this.keys.push(next);
  }

  /** Ends all connections, as a broker does that is started anew. */
  dropAll(): void {
    for (const client of this.#clients) client.conn.destroy();
  }

  /** Bytes that no broker would send. */
  sayRaw(bytes: Buffer): void {
    for (const client of this.#clients) client.conn.write(bytes);
  }

  /** The first status of a resource, in reports from `after` on, for which this holds. */
  async status(kind: string, id: string, matches: (status: Json) => boolean = () => true, after = 0): Promise<Json> {
    return vi.waitFor(() => {
      const statuses = this.reports.slice(after).flatMap((report) => report.statuses);
      const found = statuses.find((status) => status.kind === kind && status.id === id && matches(status));
      if (!found) throw new Error(`no such status of ${kind} ${id}`);
      return found;
    }, WAIT);
  }

  async report(matches: (report: Json) => boolean, after = 0): Promise<Json> {
    return vi.waitFor(() => {
      const found = this.reports.slice(after).find(matches);
      if (!found) throw new Error('no such report');
      return found;
    }, WAIT);
  }

  async close(): Promise<void> {
    this.dropAll();
    await new Promise<void>((resolve) => this.broker.close(() => resolve()));
    this.server.closeAllConnections();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }
}
