import { type ContainerSpec, GiB, MiB } from '@drover/shared/model/guest';
import type { Inventory } from '@drover/shared/model/host';
import { HostId, ImageId, NetworkId, StorageId, TaskId } from '@drover/shared/model/id';
import type { ResourceStatus } from '@drover/shared/model/resource';
import type { Ask, Decision } from '../../control-plane/src/core/change.ts';
import type { Held, Host, Task } from '../../control-plane/src/core/held.ts';
import type { GuestDecisionView, HostCandidate } from '../../control-plane/src/core/views.ts';

/** Things as the core is handed them, for table tests: whole, ordinary, and overridable. */

export const HOST_ID = HostId.parse('host_0123456789abcdef0123');
export const STORAGE_ID = StorageId.parse('storage_local0000000000001');
export const NETWORK_ID = NetworkId.parse('network_default00000000001');
export const IMAGE_ID = ImageId.parse('image_aaaaaaaaaaaaaaaaaaaa');
export const NEW_IMAGE_ID = ImageId.parse('image_nnnnnnnnnnnnnnnnnnnn');
export const TASK_ID = TaskId.parse('task_tttttttttttttttttttt');
export const NOW_MS = 1_000_000;

export const anAsk = (over: Partial<Ask> = {}): Ask => ({ by: 'anna', nowMs: NOW_MS, taskId: TASK_ID, imageId: NEW_IMAGE_ID, ...over });

export const anInventory = (over: Partial<Inventory> = {}): Inventory => ({
  hostname: 'h1',
  agentVersion: '0.1.0',
  os: 'Debian 13',
  kernel: '6.12',
  architecture: 'x86_64',
  cpuModel: 'a CPU',
  cores: 8,
  memoryBytes: 16 * GiB,
  bootId: 'b1',
  addresses: [],
  routes: [],
  drivers: [
    { port: 'guest', name: 'one', title: 'One', usable: true, capabilities: { type: 'container' } },
    { port: 'guest', name: 'two', title: 'Two', usable: true, capabilities: { type: 'vm' } },
  ],
  defaults: { storagePath: '/var/lib/drover/storage', bridge: 'drover0' },
  ...over,
});

export const aHost = (over: Partial<Host> = {}): Host => ({
  id: HOST_ID,
  name: 'h1',
  publicKey: { kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43) },
  previousKey: null,
  cell: 'main',
  boot: 3,
  sequence: 10,
  session: 's1',
  connected: true,
  heardAtMs: NOW_MS - 1_000,
  progressAtMs: null,
  asOfMs: 0,
  orphans: [],
  enrolledAtMs: 1,
  revokedAtMs: null,
  run: null,
  previousRun: null,
  cloneSeenAtMs: null,
  clockAheadMs: null,
  ...over,
});

type Observing = Partial<ResourceStatus> & { readonly observed?: Record<string, unknown> };
export const aStatus = (kind: ResourceStatus['kind'], id: string, generation: number, over: Observing = {}): ResourceStatus => ({
  kind,
  id,
  acked: generation,
  applied: generation,
  condition: 'settled',
  gone: false,
  observed: {},
  ...over,
});

const settled = { generation: 1, ackedGeneration: 1, appliedGeneration: 1, deletion: null, createdAtMs: 1, hostId: HOST_ID } as const;

export const aStorage = (over: Partial<Held<'storage'>> = {}): Held<'storage'> => ({
  kind: 'storage',
  id: STORAGE_ID,
  ...settled,
  spec: { name: 'local', driver: 'directory', config: {} },
  status: aStatus('storage', STORAGE_ID, 1, { observed: { ready: true } }),
  ...over,
});

export const aNetwork = (over: Partial<Held<'network'>> = {}): Held<'network'> => ({
  kind: 'network',
  id: NETWORK_ID,
  ...settled,
  spec: { name: 'default', driver: 'nat', config: {} },
  status: aStatus('network', NETWORK_ID, 1, { observed: { ready: true } }),
  ...over,
});

export const someSettings = (spec: Held<'host'>['spec'], over: Partial<Held<'host'>> = {}): Held<'host'> => ({
  kind: 'host',
  id: HOST_ID,
  ...settled,
  spec,
  status: aStatus('host', HOST_ID, 1),
  ...over,
});

export const anImage = (over: Partial<Held<'image'>> = {}): Held<'image'> => ({
  kind: 'image',
  id: IMAGE_ID,
  ...settled,
  spec: { name: 'mine', form: 'container', storageId: STORAGE_ID, source: { do: 'build', suite: 'trixie', packages: [] } },
  status: aStatus('image', IMAGE_ID, 1, { observed: { ready: true } }),
  ...over,
});

export const aContainer = (over: Partial<ContainerSpec> = {}): ContainerSpec => ({
  type: 'container',
  name: 'web',
  tags: [],
  notes: '',
  power: 'off',
  powerRequest: 0,
  startAtBoot: false,
  memoryBytes: 512 * MiB,
  cores: 1,
  disks: [{ name: 'root', storageId: STORAGE_ID, sizeBytes: 8 * GiB, imageId: IMAGE_ID }],
  nics: [{ name: 'net0', networkId: NETWORK_ID, mac: '52:54:01:00:00:64' }],
  sshKeys: [],
  swapBytes: 0,
  processesMax: 4_096,
  unprivileged: true,
  ...over,
});

export const aGuest = (over: Partial<Held<'guest'>> = {}): Held<'guest'> => ({
  kind: 'guest',
  id: '100',
  ...settled,
  spec: aContainer(),
  status: aStatus('guest', '100', 1, { observed: { power: 'stopped' } }),
  ...over,
});

/** Wished running and seen to be so. */
export const aRunningGuest = (over: Partial<Held<'guest'>> = {}): Held<'guest'> =>
  aGuest({
    generation: 2,
    ackedGeneration: 2,
    appliedGeneration: 2,
    spec: aContainer({ power: 'running', powerRequest: 1 }),
    status: aStatus('guest', '100', 2, { observed: { power: 'running' } }),
    ...over,
  });

export const aTask = (over: Partial<Task> = {}): Task => ({
  id: TaskId.parse('task_oooooooooooooooooooo'),
  purpose: 'create',
  spec: { do: 'apply', target: { kind: 'guest', id: '100' }, generation: 1, cancelled: false },
  title: 'create guest web',
  target: { kind: 'guest', id: '100' },
  targetName: 'web',
  hostId: HOST_ID,
  state: 'queued',
  createdBy: 'anna',
  createdAtMs: 1,
  finishedAtMs: null,
  deadlineAtMs: null,
  problem: null,
  result: null,
  activity: null,
  waitingFor: null,
  image: null,
  ...over,
});

export const aCandidate = (over: Partial<HostCandidate> = {}): HostCandidate => ({
  host: aHost(),
  inventory: anInventory(),
  storages: [aStorage()],
  networks: [aNetwork()],
  images: [anImage()],
  settings: null,
  promisedMemoryBytes: 0,
  ...over,
});

export const onGuest = (guest: Held<'guest'>, over: Partial<GuestDecisionView> = {}): GuestDecisionView => ({
  guest,
  host: aHost(),
  tasks: [],
  nameTaken: false,
  rooms: [],
  ...over,
});

/** What was refused, as its code and the field at fault. */
export function refusalOf(decide: () => unknown): { code: unknown; field: unknown; text: string } {
  try {
    decide();
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown) {
      return {
        code: thrown.code,
        field: 'field' in thrown ? thrown.field : undefined,
        text: `${thrown.message}; ${'suggestion' in thrown ? thrown.suggestion : ''}`,
      };
    }
    throw thrown;
  }
  throw new Error('nothing was refused');
}

export const wishOf = (decision: Decision<unknown>, kind: string) => decision.change.wishes?.find((wish) => wish.kind === kind);
