import { type GuestSpec, MiB, type Power } from '@drover/shared/model/guest';
import { HostId, ImageId, NetworkId, StorageId } from '@drover/shared/model/id';
import type { Wish } from '@drover/shared/model/spec';
import { describe, expect, test } from 'vitest';
import type { LastRun, ObservedGuest } from '../drivers/guest/driver.ts';
import { definitionDigest } from './definition.ts';
import { type Plan, waitForWord } from './plan.ts';
import { type GuestWorld, planGuest } from './plan-guest.ts';

const NOW_MS = 1_000_000;
const storageId = StorageId.parse('storage_local0001');
const otherStorageId = StorageId.parse('storage_other0001');
const imageId = ImageId.parse('image_debian001');
const networkId = NetworkId.parse('network_default1');
const root = { name: 'root', storageId, sizeBytes: 1024 * MiB, imageId } as const;
const data = { name: 'data', storageId: otherStorageId, sizeBytes: 1024 * MiB, imageId: null } as const;

const SPEC: GuestSpec = {
  type: 'container',
  name: 'web',
  tags: [],
  notes: '',
  power: 'running',
  powerRequest: 3,
  startAtBoot: true,
  memoryBytes: 256 * MiB,
  cores: 1,
  disks: [root],
  nics: [{ name: 'net0', networkId, mac: '52:54:01:00:00:64' }],
  sshKeys: [],
  swapBytes: 0,
  processesMax: 4096,
  unprivileged: true,
};

const wishOf = (spec: Partial<GuestSpec> = {}, deletion: Wish['deletion'] = null): Wish<'guest'> => ({
  kind: 'guest',
  id: '100',
  hostId: HostId.parse('host_0123456789'),
  generation: 4,
  // Sound: only fields that both types of guests have are replaced.
  spec: { ...SPEC, ...spec } as GuestSpec,
  deletion,
});
const wished = (power: Power, more: Partial<GuestSpec> = {}) => wishOf({ power, ...more });
const tombstone = (...destroys: string[]) => wishOf({ power: 'off' }, { requestedAtMs: 1, destroys });

const lastRun = (more: Partial<LastRun> = {}): LastRun => ({
  powerRequest: 3,
  startedAtMs: 500_000,
  endedAtMs: 900_000,
  end: 'asked',
  crashes: 0,
  ...more,
});
const guest = (running: boolean, more: Partial<ObservedGuest> = {}): ObservedGuest => ({
  id: 100,
  type: 'container',
  applied: { spec: SPEC, digest: definitionDigest(SPEC) },
  running,
  lastRun: running ? lastRun({ endedAtMs: null, end: null }) : null,
  needsRestart: [],
  paused: null,
  accelerator: null,
  ...more,
});

/** All is there that a guest stands on, and the guest itself is made and defined, but does not run. */
const worldWith = (more: Partial<GuestWorld> = {}): GuestWorld => ({
  guest: guest(false),
  disks: new Set(['root']),
  remains: true,
  readyStorages: new Set([storageId]),
  readyNetworks: new Set([networkId]),
  readyImages: new Set([imageId]),
  imageNames: new Map([[imageId, 'debian-13']]),
  shutdownAskedAtMs: null,
  heldUntilMs: 0,
  turn: null,
  ...more,
});
const NOTHING: Partial<GuestWorld> = { guest: null, disks: new Set(), remains: false };

/** A plan as people would note it down. */
function inWords(plan: Plan): string {
  switch (plan.do) {
    case 'perform':
      return plan.steps.map((step) => ('disk' in step ? `${step.do} ${step.disk.name}` : step.do)).join(', ');
    case 'wait':
      return `wait for ${plan.for}${plan.untilMs === null ? '' : ` until ${plan.untilMs}`}${plan.on ? ` (${plan.on.kind})` : ''}`;
    default:
      return plan.do;
  }
}

type Row = readonly [name: string, wish: Wish<'guest'>, world: GuestWorld, plan: string];
const check = (rows: readonly Row[]) =>
  test.each(rows)('%s', (_name, wish, world, plan) => expect(inWords(planGuest(wish, world, NOW_MS))).toBe(plan));

describe('before the control plane was heard', () => {
  const held = { heldUntilMs: NOW_MS + 5_000 };
  const waits = 'wait for the control plane until 1005000';
  check([
    ['a guest is not started', wished('running'), worldWith(held), waits],
    ['nor ended', wished('off'), worldWith({ ...held, guest: guest(true) }), waits],
    ['nor made', wished('running'), worldWith({ ...held, ...NOTHING }), waits],
    ['nor removed', { ...wished('off'), deletion: { requestedAtMs: 0, destroys: ['root'] } }, worldWith(held), waits],
    ['one that is as wished is settled', wished('running'), worldWith({ ...held, guest: guest(true) }), 'settled'],
    ['it is not waited for for ever', wished('running'), worldWith({ heldUntilMs: NOW_MS }), 'guest.start'],
  ]);
});

describe('making', () => {
  check([
    ['a new guest gets its disks, then its definition', wished('off'), worldWith(NOTHING), 'disk.ensure root, guest.define'],
    [
      'each missing disk is made, in order',
      wished('off', { disks: [root, data] }),
      worldWith({ ...NOTHING, readyStorages: new Set([storageId, otherStorageId]) }),
      'disk.ensure root, disk.ensure data, guest.define',
    ],
    ['it waits for its storage', wished('off'), worldWith({ ...NOTHING, readyStorages: new Set() }), 'wait for its storage (storage)'],
    ['every disk waits for its own storage', wished('off', { disks: [root, data] }), worldWith(NOTHING), 'wait for its storage (storage)'],
    [
      'it waits for its image, by name',
      wished('off'),
      worldWith({ ...NOTHING, readyImages: new Set() }),
      'wait for image debian-13 (image)',
    ],
    ['it waits for its network', wished('off'), worldWith({ ...NOTHING, readyNetworks: new Set() }), 'wait for its network (network)'],
    ['a guest whose disk exists needs its image no more', wished('off'), worldWith({ readyImages: new Set() }), 'settled'],
    ['a half-made guest is defined', wished('off'), worldWith({ guest: guest(false, { applied: null }) }), 'guest.define'],
    ['a disk without a definition is defined', wished('off'), worldWith({ guest: null }), 'guest.define'],
    ['a changed definition is written', wished('off', { name: 'web2' }), worldWith(), 'guest.define'],
    ['also while it runs', wished('running', { memoryBytes: 512 * MiB }), worldWith({ guest: guest(true) }), 'guest.define'],
    ['its power is no part of its definition', wished('off', { powerRequest: 9 }), worldWith(), 'settled'],
  ]);
});

describe('starting', () => {
  const ended = (more: Partial<LastRun>, spec: Partial<GuestSpec> = {}) =>
    worldWith({ guest: guest(false, { lastRun: lastRun(more), applied: { spec: SPEC, digest: definitionDigest(wishOf(spec).spec) } }) });
  check([
    ['a guest that never ran is started', wished('running'), worldWith(), 'guest.start'],
    ['a guest that runs is left alone', wished('running'), worldWith({ guest: guest(true) }), 'settled'],
    ['one that is to be off stays off', wished('off'), worldWith(), 'settled'],
    ['one that is to be shut down and is not running is settled', wished('shutdown'), worldWith(), 'settled'],
    ['one that powered itself off stays off', wished('running'), ended({ end: 'self' }), 'settled'],
    ['until somebody asks again', wished('running', { powerRequest: 4 }), ended({ end: 'self' }), 'guest.start'],
    ['one that was ended by us is started again', wished('running'), ended({ end: 'asked' }), 'guest.start'],
    ['one that went down with its host is started', wished('running'), ended({ end: 'host' }), 'guest.start'],
    [
      'once it is its turn',
      wished('running'),
      { ...ended({ end: 'host' }), turn: waitForWord('its turn at boot, after db') },
      'wait for its turn at boot, after db',
    ],
    [
      'who asks for it now need not wait for its turn',
      wished('running', { powerRequest: 4 }),
      { ...ended({ end: 'host' }), turn: waitForWord('its turn') },
      'guest.start',
    ],
    [
      'unless it is not to start at boot',
      wished('running', { startAtBoot: false }),
      ended({ end: 'host' }, { startAtBoot: false }),
      'settled',
    ],
    [
      'a crashed guest is given a pause',
      wished('running'),
      ended({ end: 'crash', crashes: 3, endedAtMs: NOW_MS - 3_000 }),
      'wait for a pause after crash 3 until 1001000',
    ],
    ['and is started after it', wished('running'), ended({ end: 'crash', crashes: 3, endedAtMs: NOW_MS - 4_000 }), 'guest.start'],
    [
      'or when the clock was set back since the crash',
      wished('running'),
      ended({ end: 'crash', crashes: 3, endedAtMs: NOW_MS + 900_000 }),
      'guest.start',
    ],
    [
      'a guest that runs for an older request runs for the newer one too',
      wished('running', { powerRequest: 4 }),
      worldWith({ guest: guest(true) }),
      'guest.start',
    ],
    ['no start while its network is away', wished('running'), worldWith({ readyNetworks: new Set() }), 'wait for its network (network)'],
  ]);
});

describe('going on', () => {
  const paused = (cause: 'disk' | 'other', agoMs: number) =>
    worldWith({ guest: guest(true, { paused: { cause, reason: 'the storage of disk root is full', sinceMs: NOW_MS - agoMs } }) });
  check([
    [
      'a guest that cannot write its disk is given time until there is room',
      wished('running'),
      paused('disk', 5_000),
      'wait for its disk: the storage of disk root is full until 1025000',
    ],
    ['and is then made to go on', wished('running'), paused('disk', 30_000), 'guest.start'],
    ['or when the clock was set back meanwhile', wished('running'), paused('disk', -900_000), 'guest.start'],
    ['at once when somebody starts it', wished('running', { powerRequest: 4 }), paused('disk', 1_000), 'guest.start'],
    ['one that is paused for another reason stays so', wished('running'), paused('other', 60_000), 'settled'],
    ['until somebody starts it', wished('running', { powerRequest: 4 }), paused('other', 60_000), 'guest.start'],
    ['and can be ended', wished('off'), paused('disk', 1_000), 'guest.stop'],
  ]);
});

describe('ending', () => {
  check([
    ['off ends it now', wished('off'), worldWith({ guest: guest(true) }), 'guest.stop'],
    [
      'even when what it stands on is away',
      wished('off'),
      worldWith({ guest: guest(true), readyNetworks: new Set(), readyImages: new Set() }),
      'guest.stop',
    ],
    ['off comes before a changed definition', wished('off', { name: 'web2' }), worldWith({ guest: guest(true) }), 'guest.stop'],
    ['shutdown asks it', wished('shutdown'), worldWith({ guest: guest(true) }), 'guest.shutdown'],
    [
      'and leaves it time',
      wished('shutdown'),
      worldWith({ guest: guest(true), shutdownAskedAtMs: NOW_MS - 5_000 }),
      'wait for the guest to shut down until 1015000',
    ],
    ['and asks again', wished('shutdown'), worldWith({ guest: guest(true), shutdownAskedAtMs: NOW_MS - 20_000 }), 'guest.shutdown'],
    [
      'also when the clock was set back meanwhile',
      wished('shutdown'),
      worldWith({ guest: guest(true), shutdownAskedAtMs: NOW_MS + 900_000 }),
      'guest.shutdown',
    ],
  ]);
});

describe('removing', () => {
  check([
    ['a running guest is ended first', tombstone('root'), worldWith({ guest: guest(true) }), 'guest.stop'],
    ['what the tombstone lists goes, the definition last', tombstone('root'), worldWith(), 'disk.remove root, guest.remove'],
    ['what it does not list stays, and the guest with it', tombstone(), worldWith(), 'gone'],
    ['without disks only the definition goes', tombstone('root'), worldWith({ disks: new Set() }), 'guest.remove'],
    ['nothing left is gone', tombstone('root'), worldWith(NOTHING), 'gone'],
    [
      'a storage that is away hides disks: it is waited for',
      tombstone('root'),
      worldWith({ ...NOTHING, readyStorages: new Set() }),
      'wait for its storage (storage)',
    ],
    [
      'it needs neither image nor network',
      tombstone('root'),
      worldWith({ readyImages: new Set(), readyNetworks: new Set() }),
      'disk.remove root, guest.remove',
    ],
  ]);
  test('a disk that is kept keeps the definition beside it', () => {
    const wish = { ...tombstone('root'), spec: { ...SPEC, disks: [root, data] } };
    const world = worldWith({ disks: new Set(['root', 'data']), readyStorages: new Set([storageId, otherStorageId]) });
    expect(inWords(planGuest(wish, world, NOW_MS))).toBe('disk.remove root');
  });
});
