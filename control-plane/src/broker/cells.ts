import type { CheckLogins } from '@drover/shared/api/cells';
import { base64url } from '@drover/shared/lib/base64url';
import type { Clock } from '@drover/shared/lib/clock';
import { Problem } from '@drover/shared/lib/problem';
import type { Random } from '@drover/shared/lib/random';
import type { HostId } from '@drover/shared/model/id';
import type { Credentials, PublicKey } from '@drover/shared/protocol/agent-api';
import { hostIdOfKey } from '@drover/shared/protocol/host-key';
import { parseTopic } from '@drover/shared/protocol/topic';
import type { Cell, CellStore, KnownCell } from '../db/cell-store.ts';
import { createLease, type Lease, soleLease } from '../loop/lease.ts';
import type { Broker } from './broker.ts';
import { newKeyPair } from './broker-keys.ts';
import { CLIENT_MS, pemOfKey } from './certificates.ts';
import { createExternalBroker, type ExternalBroker } from './external.ts';
import type { CutOff, HostLogin, Profile } from './profile.ts';

export interface CellsPorts {
  readonly store: CellStore;
  /** The broker of the default cell, unless that one has another. */
  readonly embedded: Broker & { disconnectAll(): void };
  /** With what a host of the default cell signs in there, and where; `socketUrl`: where this very host reached us. */
  readonly embeddedLogin: (hostId: HostId, socketUrl: string) => Promise<HostLogin & Pick<Credentials, 'urls'>>;
  readonly profileOf: (cell: Cell) => Promise<Profile>;
  /** The name of this process among those that share the database; null: it has it for itself. */
  readonly process: string | null;
  readonly clock: Clock;
  readonly random: Random;
  readonly complain: (what: string, line: string) => void;
}

export type HostCredentials = Omit<Credentials, 'keySuccession'>;

/** All brokers of the fleet as one. This process serves those cells whose lease it holds. */
export interface Cells extends Broker {
  credentials(
    host: { readonly id: HostId; readonly publicKey: PublicKey; readonly cell: string },
    socketUrl: string,
  ): Promise<HostCredentials>;
  /** Files to set the cell's broker up with; throws Problem not-found, or unsupported for the embedded one. */
  setup(cell: string): Promise<Readonly<Record<string, string>>>;
  /** To check the cell's broker with; throws Problem as `setup` does. */
  checkLogins(cell: string): Promise<CheckLogins>;
  /** Does this process hold the cell's lease? */
  holds(cell: string): boolean;
  /** Of all processes on one database, does this one do what has to be done once? */
  leads(): boolean;
  /** Looks at leases, at cells that came, changed or went, and at hosts that were cut off; about once a second. */
  watch(): Promise<void>;
  close(): Promise<void>;
}

interface Seat {
  readonly cell: Cell;
  readonly text: string;
  readonly lease: Lease;
  readonly profile: Profile | null;
  broker: ExternalBroker | null;
  /** Was it served when it was last looked at? */
  isServed: boolean;
  /** Since when its broker has not been reached; null: it is. */
  unreachedSinceMs: number | null;
  /** Whom the broker was told to refuse. */
  refused: string;
}

/** A process that has just begun may stand on a restored database: its hosts introduce themselves anew. */
const FRESH_MS = 30_000;
/** No credentials live longer than this, on any broker. */
const REMEMBERED_MS = 25 * 3_600_000;
/** Ended once at once, and once more when nothing that a host may hold lets it in any more. */
const ENDED_AGAIN_MS = CLIENT_MS + 5_000;
const ENDED_FOR_MS = 600_000;
/** A broker that is started again is away for less. */
const LOST_MS = 20_000;
/** Hosts that leave a cell which drains, each time that we look: they come to the others no faster. */
const DRAINED_AT_ONCE = 100;

export function createCells(ports: CellsPorts): Cells {
  const { store, embedded, clock, random, complain } = ports;
  const seats = new Map<string, Seat>();
  const startedAtMs = clock.now();
  const leadership = ports.process === null ? soleLease : createLease(store, 'leader', ports.process, clock);
  const ended = new Map<string, number>();
  let listener: (topic: string, payload: Uint8Array) => void = () => {};
  let isClosed = false;

  const brokerOf = (seat: Seat | undefined): Broker | null => {
    if (!seat?.lease.isHeld()) return null;
    return seat.cell.profile === 'embedded' ? embedded : seat.broker;
  };
  async function cellNamed(name: string): Promise<KnownCell> {
    const cell = (await store.cells()).find((candidate) => candidate.name === name);
    if (!cell) throw new Problem('not-found', `there is no cell ${name}`, { field: 'cell' });
    return cell;
  }

  async function seatOf({ hosts: _hosts, connectedHosts: _connected, isReached: _reached, ...cell }: KnownCell): Promise<Seat> {
    const text = JSON.stringify(cell);
    const known = seats.get(cell.name);
    if (known?.text === text) return known;
    // A cell that only begins to drain keeps its broker.
    const isSameBroker = known && JSON.stringify({ ...known.cell, isDraining: cell.isDraining }) === text;
    if (known && !isSameBroker) await known.broker?.close();
    const lease = known?.lease ?? (ports.process === null ? soleLease : createLease(store, `cell ${cell.name}`, ports.process, clock));
    const profile = isSameBroker ? known.profile : cell.profile === 'embedded' ? null : await ports.profileOf(cell);
    const broker = isSameBroker ? known.broker : null;
    const seat: Seat = { cell, text, lease, profile, broker, isServed: false, unreachedSinceMs: null, refused: '' };
    seats.set(cell.name, seat);
    return seat;
  }

  function disconnect(hostId: HostId, cell?: string): void {
    for (const seat of seats.values()) if (cell === undefined || cell === seat.cell.name) brokerOf(seat)?.disconnect(hostId);
  }

  async function profileNamed(name: string): Promise<{ readonly cell: Cell; readonly profile: Profile }> {
    const { cell, profile } = await seatOf(await cellNamed(name));
    if (profile) return { cell, profile };
    throw new Problem('unsupported', `the broker of cell ${name} is in the control plane: there is nothing to set up or to check`);
  }

  async function serve(seat: Seat): Promise<void> {
    const { cell, profile } = seat;
    if (!seat.isServed && ports.process !== null && clock.now() - startedAtMs < FRESH_MS) await store.disconnectCell(cell.name);
    if (profile && !seat.broker) {
      const url = cell.ownUrl ?? cell.urls[0] ?? '';
      seat.broker = createExternalBroker({ cell: cell.name, url, profile, clock, random, complain });
      seat.broker.onMessage((topic, payload) => listener(topic, payload));
    }
    seat.isServed = true;
  }

  /** Hosts come to a cell as soon as its broker is reached, and to another after a while in which it was not. */
  async function sayReached({ name, isReached: wasReached }: KnownCell, seat: Seat): Promise<void> {
    const isReached = brokerOf(seat)?.serves(name) === true;
    seat.unreachedSinceMs = isReached ? null : (seat.unreachedSinceMs ?? clock.now());
    const isLost = seat.unreachedSinceMs !== null && clock.now() - seat.unreachedSinceMs >= LOST_MS;
    if (isReached !== wasReached && (isReached || isLost)) await store.setReached(name, isReached);
  }

  async function leave(seat: Seat): Promise<void> {
    if (!seat.isServed) return;
    seat.isServed = false;
    if (seat.cell.profile === 'embedded') embedded.disconnectAll();
    const { broker } = seat;
    seat.broker = null;
    await broker?.close();
  }

  async function cutOffAll(cutOff: readonly CutOff[]): Promise<void> {
    const nowMs = clock.now();
    for (const seat of seats.values()) {
      if (!seat.isServed || !seat.broker) continue;
      await refuse(seat, cutOff);
      for (const { hostId, atMs } of cutOff) {
        const key = `${seat.cell.name} ${hostId} ${atMs}`;
        const times = ended.get(key) ?? 0;
        const isDue = nowMs - atMs < ENDED_FOR_MS && (times === 0 || (times === 1 && nowMs - atMs > ENDED_AGAIN_MS));
        if (!isDue) continue;
        ended.set(key, times + 1);
        seat.broker.disconnect(hostId);
      }
    }
    const isOld = (key: string): boolean => nowMs - Number(key.split(' ')[2]) > ENDED_FOR_MS;
    for (const key of ended.keys()) if (isOld(key)) ended.delete(key);
  }

  async function refuse(seat: Seat, cutOff: readonly CutOff[]): Promise<void> {
    const words = JSON.stringify(cutOff);
    if (!seat.profile?.refuse || cutOff.length === 0 || words === seat.refused) return;
    try {
      await seat.profile.refuse(cutOff);
      seat.refused = words;
    } catch (thrown) {
      complain(
        `${seat.cell.name} refuse`,
        `the broker of cell ${seat.cell.name} cannot be told whom to refuse: ${Problem.from(thrown).message}`,
      );
    }
  }

  async function watch(): Promise<void> {
    const cells = await store.cells();
    for (const cell of cells) {
      if (isClosed) return;
      const seat = await seatOf(cell);
      await seat.lease.step();
      if (!seat.lease.isHeld()) {
        await leave(seat);
        continue;
      }
      await serve(seat);
      await sayReached(cell, seat);
    }
    for (const [name, seat] of seats) {
      if (cells.some((cell) => cell.name === name)) continue;
      seats.delete(name);
      await leave(seat);
      await seat.lease.release();
    }
    await leadership.step();
    if (leadership.isHeld()) for (const hostId of await store.moveDraining(DRAINED_AT_ONCE, clock.now())) disconnect(hostId);
    await cutOffAll(await store.cutOffSince(clock.now() - REMEMBERED_MS));
  }

  return {
    async credentials(host, socketUrl) {
      const { cell, profile } = seats.get(host.cell) ?? (await seatOf(await cellNamed(host.cell)));
      if (cell.profile === 'embedded') return { ...(await ports.embeddedLogin(host.id, socketUrl)), cell: cell.name };
      if (!profile) throw new Problem('internal', `the cell ${cell.name} has no profile`);
      return { urls: [...cell.urls], ...(await profile.hostLogin(host)), cell: cell.name };
    },
    setup: async (name) => (await profileNamed(name)).profile.setup(),
    async checkLogins(name) {
      const { cell, profile } = await profileNamed(name);
      const pair = await newKeyPair();
      const publicKey = { kty: 'OKP', crv: 'Ed25519', x: base64url(pair.publicBytes) } as const;
      const { expiresAtMs: _expires, ...login } = await profile.hostLogin({ id: hostIdOfKey(publicKey), publicKey });
      const host = { ...login, ...(login.certificate === undefined ? {} : { key: await pemOfKey(pair.privateKey) }) };
      return { url: cell.ownUrl ?? cell.urls[0] ?? '', host, checker: await profile.checkLogin() };
    },
    holds: (cell) => seats.get(cell)?.lease.isHeld() === true,
    serves: (cell) => brokerOf(seats.get(cell))?.serves(cell) === true,
    async publish(topic, payload, qos) {
      const cell = parseTopic(topic)?.cell ?? '';
      const broker = brokerOf(seats.get(cell));
      if (!broker) throw new Problem('timeout', `the cell ${cell} is not served here`, { retryable: true });
      await broker.publish(topic, payload, qos);
    },
    onMessage(added) {
      listener = added;
      embedded.onMessage((topic, payload) => listener(topic, payload));
    },
    onPresence: (added) => embedded.onPresence(added),
    disconnect,
    leads: () => leadership.isHeld(),
    watch: () => watch().catch((thrown: unknown) => complain('cells', `cannot look after the cells: ${Problem.from(thrown).message}`)),
    async close() {
      isClosed = true;
      await leadership.release().catch(() => {
        // Whoever waits for it finds out by itself.
      });
      for (const seat of seats.values()) {
        await seat.broker?.close();
        await seat.lease.release().catch(() => {
          // Whoever waits for it finds out by itself.
        });
      }
    },
  };
}
