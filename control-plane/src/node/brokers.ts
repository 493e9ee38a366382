import { hostname } from 'node:os';
import { join } from 'node:path';
import { base64url, bytesOfBase64url } from '@drover/shared/lib/base64url';
import type { Clock } from '@drover/shared/lib/clock';
import { Problem } from '@drover/shared/lib/problem';
import type { Random } from '@drover/shared/lib/random';
import { DEFAULT_CELL } from '@drover/shared/protocol/topic';
import { brokerKeys } from '../broker/broker-keys.ts';
import { type Cells, createCells } from '../broker/cells.ts';
import { certificateAuthority } from '../broker/certificates.ts';
import { createEmbeddedBroker, type EmbeddedBroker, MQTT_PATH } from '../broker/embedded.ts';
import { listenForTls } from '../broker/embedded-tls.ts';
import { profileOf } from '../broker/profile-of-node.ts';
import type { Store } from '../db/store.ts';
import { embeddedLogin, hostOfPassword } from '../loop/enrol.ts';
import type { Signer } from '../signer.ts';
import type { Vault } from '../vault.ts';
import { ownAddresses } from './own-addresses.ts';
import { readSealed, writeSealed } from './sealed-file.ts';
import { BROKER_SECRET_FILE } from './vault-of-folder.ts';

const WATCH_MS = 1_000;

export interface BrokersOptions {
  readonly folder: string;
  readonly store: Store;
  readonly signer: Signer;
  readonly vault: Vault;
  readonly clock: Clock;
  readonly random: Random;
  readonly publicUrl: string | null;
  /** Where to take MQTT over TCP with TLS as well; null: over WebSockets alone. */
  readonly mqtt: { readonly port: number; readonly host: string | null } | null;
  /** Do other processes use the same database? */
  readonly isShared: boolean;
  readonly complain: (what: string, line: string) => void;
}

export interface Brokers {
  readonly cells: Cells;
  readonly upgrade: EmbeddedBroker['upgrade'];
  close(): Promise<void>;
}

/** Every broker that this process speaks to: the one within it, and those of other cells. */
export async function openBrokers(options: BrokersOptions): Promise<Brokers> {
  const { folder, store, signer, clock, random, publicUrl, complain } = options;
  const keys = brokerKeys(await brokerSecret(join(folder, BROKER_SECRET_FILE), options.vault));
  const embedded = await createEmbeddedBroker({
    clock,
    async hostOfPassword(password) {
      if (!cells.holds(DEFAULT_CELL)) throw new Problem('timeout', 'another process serves this cell', { retryable: true });
      const host = await hostOfPassword({ store, clock, signer }, password);
      if (host.cell !== DEFAULT_CELL) throw new Problem('gone', `${host.hostId} has moved to the cell ${host.cell}`);
      return host;
    },
    refused: (reason) => complain('broker', reason),
  });
  const names = [...new Set(['localhost', ...(publicUrl === null ? [] : [new URL(publicUrl).hostname]), hostname(), ...ownAddresses()])];
  const authority = await certificateAuthority(keys);
  const tls = options.mqtt && (await listenForTls(embedded, await authority.server(names, clock.now()), options.mqtt));
  const cells: Cells = createCells({
    store: store.cells,
    embedded,
    async embeddedLogin(hostId, socketUrl) {
      const login = await embeddedLogin({ signer, clock }, hostId);
      const url = `${socketUrl}${MQTT_PATH}`;
      if (!tls) return { ...login, urls: [url] };
      return { ...login, urls: [`mqtts://${new URL(socketUrl).hostname}:${tls.port}`, url], authority: authority.certificate };
    },
    profileOf: (cell) => profileOf(cell, keys, () => clock.now(), random),
    process: options.isShared ? random.text(20) : null,
    clock,
    random,
    complain,
  });
  await cells.watch();

  let cancel = (): void => {};
  let current: Promise<void> = Promise.resolve();
  let stopped = false;
  function next(): void {
    cancel = clock.after(WATCH_MS, () => {
      current = cells.watch().then(() => {
        if (!stopped) next();
      });
    });
  }
  next();
  let closing: Promise<void> | null = null;
  async function close(): Promise<void> {
    stopped = true;
    cancel();
    await current;
    await cells.close();
    await embedded.close();
    await tls?.close();
  }
  return {
    cells,
    upgrade: embedded.upgrade,
    close() {
      closing ??= close();
      return closing;
    },
  };
}

/** What all keys for brokers come from. Processes that serve one fleet have the same. */
async function brokerSecret(path: string, vault: Vault): Promise<Uint8Array<ArrayBuffer>> {
  const kept = await readSealed(path, vault, (text) => {
    if (/^[A-Za-z0-9_-]{43}$/.test(text.trim())) return bytesOfBase64url(text.trim());
    throw new Problem('internal', `${path} does not hold a secret`, { suggestion: 'restore it from a backup: brokers know hosts by it' });
  });
  if (kept) return kept;
  const made = crypto.getRandomValues(new Uint8Array(32));
  await writeSealed(path, `${base64url(made)}\n`, vault);
  return made;
}
