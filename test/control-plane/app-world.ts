import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Problem } from '@drover/shared/lib/problem';
import { realRandom } from '@drover/shared/lib/random';
import type { Inventory } from '@drover/shared/model/host';
import { type HostId, type ImageId, type NetworkId, newId, type StorageId, type UserId } from '@drover/shared/model/id';
import type { ResourceKind, ResourceStatus } from '@drover/shared/model/resource';
import { PublicKey } from '@drover/shared/protocol/agent-api';
import { hostIdOfKey } from '@drover/shared/protocol/host-key';
import type { Hono } from 'hono';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import type { Change } from '../../control-plane/src/core/change.ts';
import type { Grant } from '../../control-plane/src/core/rights.ts';
import { openStore } from '../../control-plane/src/db/open.ts';
import { hashOfSecret } from '../../control-plane/src/db/secret.ts';
import type { Store } from '../../control-plane/src/db/store.ts';
import { createApp } from '../../control-plane/src/http/app.ts';
import type { AppDeps } from '../../control-plane/src/http/deps.ts';
import { createPasswordHashes } from '../../control-plane/src/identity/password-hash.ts';
import { createAdmission } from '../../control-plane/src/loop/admission.ts';
import { createRelay, type Relay } from '../../control-plane/src/relay.ts';
import type { Signer } from '../../control-plane/src/signer.ts';
import { fileUploads } from '../../control-plane/src/uploads-file.ts';
import { createManualClock, type ManualClock } from './manual-clock.ts';
import { openVault } from './open-vault.ts';

/** Of the built-in roles, those that most tests speak of: each with a user who has it on everything. */
export type WorldRole = 'owner' | 'operator' | 'auditor';

/** The real app on a real store in memory, with one host that has a storage, a network and an image, and one user of each of these roles. */
export interface AppWorld {
  readonly app: Hono;
  readonly deps: AppDeps;
  readonly store: Store;
  readonly clock: ManualClock;
  readonly relay: Relay;
  readonly tokens: Readonly<Record<WorldRole, string>>;
  readonly hostId: HostId;
  readonly imageId: ImageId;
  readonly nudged: HostId[];
  /** Whose connections were ended, and in which cell. */
  readonly disconnected: [HostId, string | undefined][];
  readonly logged: unknown[];
  /** A request that the host has signed with its own key, now. */
  signAsHost(claims: Readonly<Record<string, string>>): Promise<string>;
  /** Names of the files that uploads have left. */
  uploadFiles(): Promise<string[]>;
  /** As an owner, unless told otherwise. */
  ask(method: string, path: string, options?: AskOptions): Promise<Asked>;
  commit(change: Omit<Change, 'by' | 'atMs'>): Promise<void>;
  /** The host says of a resource that its newest generation holds. */
  observe(kind: ResourceKind, id: string, generation: number, status: Partial<ResourceStatus>): Promise<void>;
  close(): Promise<void>;
}

export interface AskOptions {
  readonly as?: WorldRole | null;
  readonly body?: unknown;
  /** The body as it is. */
  readonly raw?: BodyInit;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Asked {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** As loose as JSON.parse leaves it: tests look into whatever came, and a wrong guess fails the test. */
  readonly json: ReturnType<typeof JSON.parse>;
}

/** Worth nothing, and quick. */
const CHEAP_HASHES = createPasswordHashes({ m: 64, t: 1, p: 1 });

export const ORIGIN = 'http://drover.test:8420';

const unsigned: Signer = {
  keyId: 'none',
  publicKeys: [{ kty: 'OKP', crv: 'Ed25519', x: 'S'.repeat(43) }],
  succession: [],
  rotate: async () => {},
  sign: () => Promise.reject(new Error('nothing is signed here')),
  verify: () => Promise.reject(new Error('nothing is verified here')),
};

export const INVENTORY: Inventory = {
  hostname: 'fra-h03',
  agentVersion: '0.1.0',
  os: 'Debian 13',
  kernel: '6.12',
  architecture: 'x86_64',
  cpuModel: 'a CPU',
  cores: 8,
  memoryBytes: 32 * 2 ** 30,
  bootId: 'b1',
  addresses: ['192.0.2.3'],
  routes: [],
  drivers: [
    { port: 'guest', name: 'lxc', title: 'LXC', usable: true, capabilities: { type: 'container' } },
    { port: 'guest', name: 'qemu', title: 'QEMU', usable: true, capabilities: { type: 'vm' } },
  ],
  defaults: { storagePath: '/var/lib/drover/storage', bridge: 'drover0' },
};

export async function createAppWorld(overrides: Partial<AppDeps> = {}): Promise<AppWorld> {
  const clock = createManualClock();
  const random = realRandom;
  const store = await openStore(':memory:', clock.now);
  const folder = await mkdtemp(join(tmpdir(), 'drover-uploads-'));
  const relay = createRelay(clock, random);
  const closing = new AbortController();
  const nudged: HostId[] = [];
  const disconnected: [HostId, string | undefined][] = [];
  const logged: unknown[] = [];
  const deps: AppDeps = {
    store,
    clock,
    random,
    signer: unsigned,
    nudge: (hostId) => nudged.push(hostId),
    cells: {
      credentials: () => Promise.reject(new Problem('unsupported', 'there is no broker here')),
      setup: async () => ({ 'drover.conf': 'words' }),
      checkLogins: () => Promise.reject(new Problem('unsupported', 'there is no broker here')),
      serves: () => true,
      disconnect: (hostId, cell) => disconnected.push([hostId, cell]),
    },
    admission: createAdmission(clock, random),
    relay,
    identity: { hashes: CHEAP_HASHES, vault: openVault, ldap: null },
    uploads: fileUploads(folder),
    agentPackage: null,
    webAssets: null,
    version: '0.1.0',
    publicUrl: null,
    addressOf: () => '198.51.100.7',
    ownAddresses: () => ['192.0.2.9'],
    log: (_message, cause) => logged.push(cause),
    closing: closing.signal,
    ...overrides,
  };

  const commit: AppWorld['commit'] = async (change) => {
    const outcome = await store.commit({ by: 'test', atMs: clock.now(), ...change });
    if (!outcome.committed) throw new Error(outcome.conflict);
  };

  const keys = await generateKeyPair('EdDSA', { extractable: true });
  const { kty, crv, x } = await exportJWK(keys.publicKey);
  const publicKey = PublicKey.parse({ kty, crv, x });
  const hostId = hostIdOfKey(publicKey);
  const storageId = newId('storage', random);
  const networkId = newId('network', random);
  const imageId = newId('image', random);
  await seed(commit, { publicKey, hostId, storageId, networkId, imageId }, clock.now());
  const observe: AppWorld['observe'] = (kind, id, generation, status) =>
    commit({
      observations: [
        {
          kind,
          id,
          ackedGeneration: generation,
          appliedGeneration: generation,
          status: { kind, id, acked: generation, applied: generation, condition: 'settled', gone: false, observed: {}, ...status },
        },
      ],
      events: [{ kind, id, gone: false }],
    });
  await observe('image', imageId, 1, { observed: { ready: true, sizeBytes: 1_000, virtualSizeBytes: null, madeAtMs: clock.now() } });
  await observe('storage', storageId, 1, { observed: { ready: true, totalBytes: 10, freeBytes: 5 } });
  await observe('network', networkId, 1, { observed: { ready: true } });

  const tokens = { owner: 'drv_owner', operator: 'drv_operator', auditor: 'drv_auditor' };
  for (const role of ['owner', 'operator', 'auditor'] as const) {
    const user = { id: newId('user', random), name: `${role}-anna`, createdAtMs: clock.now() };
    await store.access.addUser(user, [grantOnEverything(user.id, role, clock.now())]);
    const token = {
      id: newId('token', random),
      kind: 'api',
      name: 'test',
      userId: user.id,
      ownGrantsOnly: false,
      expiresAtMs: null,
    } as const;
    await store.access.addToken({ ...token, createdAtMs: clock.now(), lastUsedAtMs: clock.now() }, hashOfSecret(tokens[role]));
  }

  const app = createApp(deps);
  return {
    app,
    deps,
    store,
    clock,
    relay,
    tokens,
    hostId,
    imageId,
    nudged,
    disconnected,
    logged,
    signAsHost: (claims) =>
      new SignJWT(claims)
        .setProtectedHeader({ alg: 'EdDSA' })
        .setIssuedAt(Math.floor(clock.now() / 1_000))
        .sign(keys.privateKey),
    uploadFiles: () => readdir(folder),
    commit,
    observe,
    async ask(method, path, { as = 'owner', body, raw, headers = {} } = {}) {
      const response = await app.request(`${ORIGIN}${path}`, {
        method,
        headers: {
          ...(as === null ? {} : { authorization: `Bearer ${tokens[as]}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(raw !== undefined ? { body: raw } : body !== undefined ? { body: JSON.stringify(body) } : {}),
      });
      const text = await response.text();
      const isJson = text !== '' && /json\b/.test(response.headers.get('content-type') ?? '');
      return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : undefined };
    },
    async close() {
      closing.abort();
      relay.close();
      await store.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export const grantOnEverything = (userId: UserId, role: string, nowMs: number): Grant => ({
  ...{ id: newId('grant', realRandom), principal: { kind: 'user', id: userId }, role, scope: '/', inherit: true, untilMs: null },
  ...{ byUser: 'test', createdAtMs: nowMs },
});

interface Ids {
  readonly publicKey: PublicKey;
  readonly hostId: HostId;
  readonly storageId: StorageId;
  readonly networkId: NetworkId;
  readonly imageId: ImageId;
}

async function seed(commit: AppWorld['commit'], { publicKey, hostId, storageId, networkId, imageId }: Ids, nowMs: number): Promise<void> {
  await commit({ newHosts: [{ id: hostId, name: 'fra-h03', publicKey, cell: 'main' }] });
  const ours = { hostId, generation: 1, deletion: null };
  await commit({
    hosts: [{ id: hostId, connected: true, heardAtMs: nowMs, asOfMs: nowMs, boot: 1, sequence: 1, session: 's', inventory: INVENTORY }],
    wishes: [
      {
        kind: 'storage',
        id: storageId,
        ...ours,
        spec: { name: 'local', driver: 'directory', config: { path: '/var/lib/drover/storage' } },
      },
      { kind: 'network', id: networkId, ...ours, spec: { name: 'default', driver: 'nat', config: { bridge: 'drover0' } } },
      {
        kind: 'image',
        id: imageId,
        ...ours,
        spec: { name: 'debian-13', form: 'container', storageId, source: { do: 'build', suite: 'trixie', packages: [] } },
      },
    ],
  });
}
