import { backoff } from '@drover/shared/lib/backoff';
import { isTooEarly } from '@drover/shared/lib/clock';
import type { Disk } from '@drover/shared/model/guest';
import type { Wish } from '@drover/shared/model/spec';
import type { LastRun, ObservedGuest } from '../drivers/guest/driver.ts';
import { definitionDigest } from './definition.ts';
import { GONE, type Plan, perform, SETTLED, waitFor, waitUntil } from './plan.ts';

/** Everything that the plan for one guest rests on. */
export interface GuestWorld {
  readonly guest: ObservedGuest | null;
  /** Disks of the wish that exist, by name. */
  readonly disks: ReadonlySet<string>;
  /** A folder or a definition of it is left on the host. */
  readonly remains: boolean;
  readonly readyStorages: ReadonlySet<string>;
  readonly readyNetworks: ReadonlySet<string>;
  /** Ready images, and the names of those that are wished for. */
  readonly readyImages: ReadonlySet<string>;
  readonly imageNames: ReadonlyMap<string, string>;
  /** When the guest was last asked to shut down, for the wish's powerRequest. */
  readonly shutdownAskedAtMs: number | null;
  /** After a start of the agent: nothing is done before this, unless the control plane has been heard. */
  readonly heldUntilMs: number;
  /** What keeps a guest that went down with its host from starting yet: others that come before it; null: nothing. */
  readonly turn: Plan | null;
}

/** A guest that ignores a request to shut down is asked again after this long. */
const SHUTDOWN_ASK_AGAIN_MS = 20_000;
/** One that could not write its disk is made to go on after this long, again and again. */
const GO_ON_MS = 30_000;

/** What to do about one guest. Pure: same world, same plan. */
export function planGuest(wish: Wish<'guest'>, world: GuestWorld, nowMs: number): Plan {
  const plan = planned(wish, world, nowMs);
  return plan.do === 'perform' && nowMs < world.heldUntilMs ? waitUntil('the control plane', world.heldUntilMs) : plan;
}

function planned(wish: Wish<'guest'>, world: GuestWorld, nowMs: number): Plan {
  if (wish.deletion) return planRemoval(wish, world);
  const running = world.guest?.running ?? false;
  // Ending a guest needs nothing else to be in order, so it comes first.
  if (running && wish.spec.power === 'off') return perform({ do: 'guest.stop' });
  if (running && wish.spec.power === 'shutdown') return planShutdown(world, nowMs);
  const obstacle = firstMissingGround(wish, world);
  if (obstacle) return obstacle;
  const missing = wish.spec.disks.filter((disk) => !world.disks.has(disk.name));
  const [firstMissing, ...othersMissing] = missing.map((disk) => ({ do: 'disk.ensure', disk }) as const);
  if (firstMissing) return perform(firstMissing, ...othersMissing, { do: 'guest.define' });
  if (world.guest?.applied?.digest !== definitionDigest(wish.spec)) return perform({ do: 'guest.define' });
  if (wish.spec.power !== 'running') return SETTLED;
  if (running) return planRunning(wish, world.guest, nowMs);
  return planStart(wish, world.guest.lastRun, world.turn, nowMs);
}

function planShutdown(world: GuestWorld, nowMs: number): Plan {
  const { shutdownAskedAtMs: askedAtMs } = world;
  if (askedAtMs === null || !isTooEarly(nowMs, askedAtMs, askedAtMs + SHUTDOWN_ASK_AGAIN_MS)) return perform({ do: 'guest.shutdown' });
  return waitUntil('the guest to shut down', askedAtMs + SHUTDOWN_ASK_AGAIN_MS);
}

/** The first thing that the guest stands on and that is not there yet. */
function firstMissingGround(wish: Wish<'guest'>, world: GuestWorld): Plan | null {
  for (const disk of wish.spec.disks) {
    if (!world.readyStorages.has(disk.storageId)) return waitFor('its storage', { kind: 'storage', id: disk.storageId });
  }
  for (const imageId of neededImages(wish, world)) {
    if (!world.readyImages.has(imageId))
      return waitFor(`image ${world.imageNames.get(imageId) ?? imageId}`, { kind: 'image', id: imageId });
  }
  for (const nic of wish.spec.nics) {
    if (!world.readyNetworks.has(nic.networkId)) return waitFor('its network', { kind: 'network', id: nic.networkId });
  }
  return null;
}

/** A disk that exists has no more need of its image's name; the storage driver keeps what it stands on. */
function neededImages(wish: Wish<'guest'>, world: GuestWorld): string[] {
  const ofDisks = wish.spec.disks.flatMap((disk: Disk) => (disk.imageId && !world.disks.has(disk.name) ? [disk.imageId] : []));
  const cdrom = wish.spec.type === 'vm' && wish.spec.cdromImageId ? [wish.spec.cdromImageId] : [];
  return [...ofDisks, ...cdrom];
}

/** A guest that runs already when somebody asks for it runs for that request from now on: should it then power itself off, it stays off. */
function planRunning(wish: Wish<'guest'>, { lastRun, paused }: ObservedGuest, nowMs: number): Plan {
  if (lastRun && lastRun.powerRequest !== wish.spec.powerRequest) return perform({ do: 'guest.start' });
  if (paused?.cause !== 'disk') return SETTLED;
  // Whether there is room again only the guest's next try can tell.
  const goOnAtMs = paused.sinceMs + GO_ON_MS;
  if (!isTooEarly(nowMs, paused.sinceMs, goOnAtMs)) return perform({ do: 'guest.start' });
  return waitUntil(`its disk: ${paused.reason}`, goOnAtMs);
}

/** Whether a guest that should run and does not is started now, later, or stays as it is. */
function planStart(wish: Wish<'guest'>, lastRun: LastRun | null, turn: Plan | null, nowMs: number): Plan {
  const start = perform({ do: 'guest.start' });
  // Never run, or asked again since: the wish is fresh.
  if (!lastRun || lastRun.powerRequest !== wish.spec.powerRequest) return start;
  switch (lastRun.end) {
    case 'self':
      return SETTLED;
    case 'host':
      return wish.spec.startAtBoot ? (turn ?? start) : SETTLED;
    case 'crash': {
      const endedAtMs = lastRun.endedAtMs ?? nowMs;
      const restartAtMs = endedAtMs + backoff(lastRun.crashes, 0);
      return isTooEarly(nowMs, endedAtMs, restartAtMs) ? waitUntil(`a pause after crash ${lastRun.crashes}`, restartAtMs) : start;
    }
    case 'asked':
    case null:
      return start;
  }
}

/** Removes exactly what the tombstone lists, and the definition last, so that a half-removed guest is still known by it. */
function planRemoval(wish: Wish<'guest'>, world: GuestWorld): Plan {
  if (world.guest?.running) return perform({ do: 'guest.stop' });
  // Disks of a storage that is away look as if they were gone: wait for it rather than believe that.
  const away = wish.spec.disks.find((disk) => !world.readyStorages.has(disk.storageId));
  if (away) return waitFor('its storage', { kind: 'storage', id: away.storageId });
  const destroyed = wish.spec.disks.filter((disk) => world.disks.has(disk.name) && wish.deletion?.destroys.includes(disk.name));
  const [first, ...rest] = destroyed.map((disk) => ({ do: 'disk.remove', disk }) as const);
  // A disk that is to stay keeps the guest's folder, in which it lies, and the definition that tells whose it is.
  if (first && destroyed.length < world.disks.size) return perform(first, ...rest);
  if (first) return perform(first, ...rest, { do: 'guest.remove' });
  return world.remains && world.disks.size === 0 ? perform({ do: 'guest.remove' }) : GONE;
}
