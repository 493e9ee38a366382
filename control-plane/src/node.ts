import { chmodSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import type { IncomingMessage, Server } from 'node:http';
import { dirname, join } from 'node:path';
import type { Duplex } from 'node:stream';
import { type Clock, realClock } from '@drover/shared/lib/clock';
import { Problem } from '@drover/shared/lib/problem';
import { type Random, realRandom } from '@drover/shared/lib/random';
import { rateLimited } from '@drover/shared/lib/rate-limited';
import { createAdaptorServer, type HttpBindings } from '@hono/node-server';
import type { Broker } from './broker/broker.ts';
import { followingOthers } from './db/follow.ts';
import { keepingFigures } from './db/newest-figures.ts';
import { openStore } from './db/open.ts';
import { openRemoteStore } from './db/open-remote.ts';
import type { Store } from './db/store.ts';
import { createApp } from './http/app.ts';
import { createPasswordHashes } from './identity/password-hash.ts';
import { createAdmission } from './loop/admission.ts';
import { createDispatcher } from './loop/dispatch.ts';
import { mintEnrolment } from './loop/enrol.ts';
import { type Log, traceOf } from './loop/log.ts';
import { createReceiver } from './loop/receive.ts';
import { startTicking } from './loop/tick.ts';
import { agentPackageFile } from './node/agent-package-file.ts';
import { openBrokers } from './node/brokers.ts';
import { firstOwner, firstOwnerLink, localToken } from './node/first-owner.ts';
import { nodeLdap } from './node/ldap.ts';
import { listen, localUrl } from './node/listen.ts';
import { lockFolder } from './node/lock.ts';
import { ownAddresses } from './node/own-addresses.ts';
import { openSigner } from './node/signing-key.ts';
import { openVaultOf, SIGNING_KEY_FILE } from './node/vault-of-folder.ts';
import { webFiles } from './node/web-files.ts';
import { createRelay } from './relay.ts';
import { relayUpgrades } from './relay-node.ts';
import { fileUploads } from './uploads-file.ts';

export interface NodeOptions {
  /** Everything that is kept lies in its folder control-plane/. */
  readonly dataPath: string;
  /** 0: any free one. */
  readonly port: number;
  /** The address to listen on; null: all. */
  readonly host: string | null;
  /** For MQTT over TCP with TLS, beside WebSockets on the other port; null: none. */
  readonly mqttPort?: number | null;
  /** The folder of the built page. */
  readonly webPath: string;
  /** The folder of the built package of the agent, for hosts to install; absent: there is none to be had here. */
  readonly packagePath?: string;
  readonly version: string;
  /** Where people reach it, behind a proxy; null: at the address each request was sent to. */
  readonly publicUrl: string | null;
  /** The file of the keys that secrets are sealed with; absent: in the folder. */
  readonly vaultKeysPath?: string | null;
  /** A libSQL server, for several processes; absent: a file in the folder. */
  readonly database?: { readonly url: string; readonly token: string | null } | null;
  readonly log: Log;
  readonly clock?: Clock;
  readonly random?: Random;
  /** For tests that end the process between two calls: what then stands before the database and the broker. */
  readonly between?: { readonly store: (store: Store) => Store; readonly broker: (broker: Broker) => Broker };
}

export interface ControlPlane {
  readonly url: string;
  /** Signs the first owner in, once; null: an owner has signed in before. */
  readonly firstOwnerLink: string | null;
  /** The owner's token for the command line of the user who runs this. */
  readonly localToken: string;
  /** A token to enrol one host with, good for an hour. */
  enrolmentToken(): Promise<string>;
  close(): Promise<void>;
}

/** The whole control plane in this process: API, page, broker, database. */
export async function startControlPlane(options: NodeOptions): Promise<ControlPlane> {
  const { log, clock = realClock, random = realRandom, between } = options;
  const folder = join(options.dataPath, 'control-plane');
  makeFolder(folder);
  /** What has to be ended again, last one first. */
  const undo: (() => void | Promise<void>)[] = [];
  const closeAll = async (): Promise<void> => {
    for (let end = undo.pop(); end; end = undo.pop()) await end();
  };
  try {
    undo.push(await lockFolder(folder));
    const vault = openVaultOf(folder, options.vaultKeysPath ?? null, () => clock.now());
    const signer = await openSigner(join(folder, SIGNING_KEY_FILE), () => clock.now(), vault);
    const { database } = options;
    const isShared = Boolean(database);
    const file = () => openStore(join(folder, 'drover.db'), () => clock.now());
    const alone = await (database ? openRemoteStore(database.url, database.token, () => clock.now()) : file());
    undo.push(() => alone.close());
    const following = isShared ? followingOthers(alone, clock) : { store: alone, stop: () => {} };
    undo.push(following.stop);
    const opened = following.store;
    if (!isShared) await opened.disconnectAll();

    const complain = rateLimited(log, clock);
    const { publicUrl } = options;
    const mqtt = options.mqttPort ? { port: options.mqttPort, host: options.host } : null;
    const brokers = await openBrokers({ folder, store: opened, signer, vault, clock, random, publicUrl, mqtt, isShared, complain });
    undo.push(() => brokers.close());
    const broker = brokers.cells;
    const store = cuttingOff(keepingFigures(between ? between.store(opened) : opened), broker);
    const outward = between ? between.broker(broker) : broker;
    const dispatcher = createDispatcher({ store, clock, random, broker: outward, signer, failed: (line) => complain('dispatch', line) });
    const admission = createAdmission(clock, random);
    const receiver = createReceiver({ store, clock, random, broker: outward, dispatcher, admission, signer, log });
    broker.onMessage(receiver.message);
    broker.onPresence(receiver.presence);
    const relay = createRelay(clock, random);
    const closing = new AbortController();
    const app = createApp({
      store,
      clock,
      random,
      signer,
      nudge: dispatcher.nudge,
      cells: broker,
      admission,
      relay,
      identity: { hashes: createPasswordHashes(), vault, ldap: nodeLdap },
      uploads: fileUploads(join(folder, 'uploads')),
      agentPackage: options.packagePath === undefined ? null : agentPackageFile(options.packagePath),
      webAssets: webFiles(options.webPath),
      version: options.version,
      publicUrl: options.publicUrl,
      addressOf: (env) => remoteAddressOf(env),
      ownAddresses,
      log: (message, cause) => log(`${message}: ${traceOf(cause)}`),
      closing: closing.signal,
    });
    // Sound: without a createServer option of our own it makes a plain HTTP server.
    const server = createAdaptorServer({ fetch: app.fetch }) as Server;
    const upgrades = [brokers.upgrade, relayUpgrades(relay, clock)];
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      if ('setNoDelay' in socket && typeof socket.setNoDelay === 'function') socket.setNoDelay(true);
      socket.on('error', () => socket.destroy());
      if (!upgrades.some((take) => take(request, socket, head)))
        socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    });
    const stopTicking = startTicking({ store, clock, random, dispatcher, receiver, log, isLeader: broker.leads, holds: broker.holds });
    undo.push(async () => {
      closing.abort(new Problem('gone', 'the control plane is stopping', { retryable: true }));
      const stopped = stopServer(server);
      await stopTicking();
      relay.close();
      await brokers.close();
      await stopped;
      await receiver.idle();
      await receiver.writeHeard();
      await dispatcher.idle();
    });
    const port = await listen(server, options.port, options.host);

    const url = options.publicUrl ?? localUrl(options.host, port);
    const ports = { access: store.access, clock, random };
    const owner = await firstOwner(ports);
    return {
      url,
      firstOwnerLink: await firstOwnerLink(ports, owner, url),
      localToken: await localToken(ports, owner, folder),
      enrolmentToken: async () => (await mintEnrolment({ store, signer, clock, random }, owner.name, null)).token,
      close: closeAll,
    };
  } catch (thrown) {
    await closeAll();
    throw thrown;
  }
}

/** A host that was forgotten or revoked is cut off at once; it could not come back, but it could stay. */
const cuttingOff = (store: Store, broker: Broker): Store => ({
  ...store,
  async commit(change) {
    const outcome = await store.commit(change);
    const revoked = (change.hosts ?? []).flatMap(({ id, revokedAtMs }) => (typeof revokedAtMs === 'number' ? [id] : []));
    if (outcome.committed) for (const hostId of [...(change.forgottenHosts ?? []), ...revoked]) broker.disconnect(hostId);
    return outcome;
  },
});

function makeFolder(folder: string): void {
  try {
    makeMissing(folder);
    chmodSync(folder, 0o700);
    const probe = join(folder, '.writable');
    mkdirSync(probe, { recursive: true });
    rmSync(probe, { recursive: true });
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'no reason given';
    throw new Problem('not-allowed', `the data folder ${folder} cannot be written (${code})`, {
      suggestion: 'give this user the right to, or set DROVER_DATA to another folder',
      cause,
    });
  }
}

/** One by one: where the kernel refuses with "no such file", as under /proc, Node's own recursive way tries for ever. */
function makeMissing(folder: string): void {
  if (existsSync(folder)) return;
  makeMissing(dirname(folder));
  mkdirSync(folder, { mode: 0o700 });
}

const CLOSE_MS = 2_000;

/** No new connections; those under way get a moment. */
function stopServer(server: Server): Promise<void> {
  if (!server.listening) return Promise.resolve();
  return new Promise((resolve) => {
    const cancel = realClock.after(CLOSE_MS, () => server.closeAllConnections());
    server.close(() => {
      cancel();
      resolve();
    });
    server.closeIdleConnections();
  });
}

function remoteAddressOf(env: unknown): string | null {
  // Sound: hono's Node adapter hands its bindings to every request.
  return (env as Partial<HttpBindings> | undefined)?.incoming?.socket.remoteAddress ?? null;
}
