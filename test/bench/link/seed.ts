import { createPrivateKey, randomBytes } from 'node:crypto';
import { realRandom } from '@drover/shared/lib/random';
import { ContainerSpec, MiB, macOf } from '@drover/shared/model/guest';
import { type GuestId, GuestId as GuestIdOf, type HostId, newId } from '@drover/shared/model/id';
import { PublicKey } from '@drover/shared/protocol/agent-api';
import { hostIdOfKey } from '@drover/shared/protocol/host-key';
import type { Change, ObservationWrite, WishWrite } from '../../../control-plane/src/core/change.ts';
import { openStore } from '../../../control-plane/src/db/open.ts';
import type { LightIdentity } from './light-agent.ts';
import { statusOf, thingOf } from './things.ts';

export interface Seed {
  /** The cell of each host. */
  readonly cells: readonly string[];
  readonly guestsPerHost: number;
}

const HOSTS_AT_ONCE = 200;
const FIRST_GUEST = 100;

/** A fleet that has been enrolled, with guests that run, written straight into the database; gives who the hosts are, some at a time. */
export async function* seedFleet(path: string, { cells, guestsPerHost }: Seed): AsyncGenerator<readonly LightIdentity[]> {
  const store = await openStore(path, () => Date.now());
  for (let first = 0; first < cells.length; first += HOSTS_AT_ONCE) {
    const newHosts = cells.slice(first, first + HOSTS_AT_ONCE).map((cell) => ({ cell, ...newHost() }));
    const made = newHosts.map(({ id }, index) => wishesOf(id, FIRST_GUEST + (first + index) * guestsPerHost, guestsPerHost));
    const change: Change = {
      by: 'bench',
      atMs: Date.now(),
      newHosts: newHosts.map(({ id, publicKey, cell }, index) => ({ id, name: `h${first + index}`, publicKey, cell })),
      wishes: made.flat(),
    };
    const outcome = await store.commit(change);
    if (!outcome.committed) throw new Error(outcome.conflict);
    const things = made.map((wishes) => wishes.map(({ kind, id, spec }) => thingOf(kind, id, spec)));
    const observations = things.flat().map((thing): ObservationWrite => {
      return { kind: thing.kind, id: thing.id, ackedGeneration: 1, appliedGeneration: 1, status: statusOf(thing) };
    });
    await store.commit({ by: 'bench', atMs: Date.now(), observations });
    yield newHosts.map(({ cell: _cell, ...host }, index) => ({ ...host, things: things[index] ?? [] }));
  }
  store.close();
}

/**
 * RFC 8410: what stands before the 32 bytes of a private Ed25519 key. Node 20 stands still for ever, one time in some ten thousand, when it
 * collects garbage while it exports a key that generateKeyPairSync has made: both take that key's lock.
 */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

function newHost(): Omit<LightIdentity, 'things'> {
  const key = createPrivateKey({ key: Buffer.concat([PKCS8, randomBytes(32)]), format: 'der', type: 'pkcs8' });
  const { kty, crv, x, d = '' } = key.export({ format: 'jwk' });
  const publicKey = PublicKey.parse({ kty, crv, x });
  return { id: hostIdOfKey(publicKey), publicKey, d };
}

function wishesOf(hostId: HostId, firstGuest: number, guests: number): WishWrite[] {
  const storageId = newId('storage', realRandom);
  const networkId = newId('network', realRandom);
  const ours = { hostId, generation: 1, deletion: null };
  return [
    { kind: 'storage', id: storageId, ...ours, spec: { name: 'local', driver: 'directory', config: { path: '/var/lib/drover/storage' } } },
    { kind: 'network', id: networkId, ...ours, spec: { name: 'default', driver: 'nat', config: { bridge: 'drover0' } } },
    ...Array.from({ length: guests }, (_, index): WishWrite => {
      const id: GuestId = GuestIdOf.parse(firstGuest + index);
      const spec = ContainerSpec.parse({
        ...{ type: 'container', name: `g${id}`, tags: ['bench'], notes: '', power: 'running', powerRequest: 1, startAtBoot: true },
        ...{ memoryBytes: 512 * MiB, cores: 1, sshKeys: [], swapBytes: 0, processesMax: 1_000, unprivileged: true },
        disks: [{ name: 'root', storageId, sizeBytes: 1_024 * MiB, imageId: null }],
        nics: [{ name: 'net0', networkId, mac: macOf(Number(id), 0) }],
      });
      return { kind: 'guest', id: String(id), ...ours, spec };
    }),
  ];
}
