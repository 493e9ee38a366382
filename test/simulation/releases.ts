import type { HostId } from '@drover/shared/model/id';
import { Command, PROTOCOL_VERSION } from '@drover/shared/protocol/message';
import { digestOf } from '../../agent/src/journal.ts';
import { openSeal, seal } from './signer.ts';

/** A word of a release to come. */
const LATER = { introducedLater: true };

/**
 * What stands between control planes and agents of different releases: it adds to what the newer ones of them say what the present ones
 * cannot know. A newer control plane would know it, so what a host says of its wishes is told to ours in the words that ours used.
 */
export class Releases {
  /** Guests of which something is wished that only a newer agent understands; and those about which commands say more than that. */
  readonly wishedMore = new Set<string>();
  readonly saidMore = new Set<string>();
  /** Hosts whose agents are newer than the control planes. */
  readonly newer = new Set<HostId>();
  /** Digests of what was wished in newer words, and what they are in ours. */
  readonly #inOurs = new Map<string, string>();

  /** A command, sealed, as it comes from the newer control plane. */
  down(text: string): string {
    if (this.wishedMore.size + this.saidMore.size === 0) return text;
    const command = Command.parse(openSeal(text));
    const { resource } = command;
    if (resource.kind !== 'guest') return text;
    if (this.saidMore.has(resource.id)) return seal({ ...command, ...LATER });
    if (!this.wishedMore.has(resource.id)) return text;
    const newer = { ...resource, spec: { ...resource.spec, ...LATER } };
    this.#inOurs.set(digestOf(newer), digestOf(resource));
    return seal({ ...command, resource: newer });
  }

  /** A report, as it comes from the agent and reaches our control plane. */
  up(hostId: HostId, text: string): string {
    let told = text;
    for (const [newer, ours] of this.#inOurs) told = told.replaceAll(newer, ours);
    return this.newer.has(hostId) ? JSON.stringify(newerReport(JSON.parse(told))) : told;
  }

  /** A command about a kind of thing that no agent of today knows. */
  unknownKind(hostId: HostId, nowMs: number): string {
    const resource = { kind: 'snapshot', id: 'snapshot_1', hostId, generation: 1, spec: {}, deletion: null };
    const times = { asOfMs: nowMs, issuedAtMs: nowMs, expiresAtMs: nowMs + 300_000 };
    return seal({ v: PROTOCOL_VERSION, host: hostId, counter: nowMs, resource, ...times });
  }
}

/** More is said everywhere, and one thing more is spoken of. */
function newerReport({ hello, statuses = [], ...rest }: { hello?: object; statuses?: readonly object[] }): unknown {
  const snapshot = { kind: 'snapshot', id: 'snapshot_1', acked: 1, applied: 1, condition: 'frozen' };
  return {
    ...rest,
    ...LATER,
    statuses: [...statuses.map((status) => ({ ...status, ...LATER })), snapshot],
    ...(hello === undefined ? {} : { hello: { ...hello, ...LATER } }),
  };
}
