import { assert } from '@drover/shared/lib/assert';
import { digest } from '@drover/shared/lib/digest';
import { Problem } from '@drover/shared/lib/problem';
import { HostId, newId } from '@drover/shared/model/id';
import { ResourceKind } from '@drover/shared/model/resource';
import { SPEC_SCHEMAS } from '@drover/shared/model/spec';
import { BootReply, Command, MESSAGE_BYTES_MAX, Refusal } from '@drover/shared/protocol/message';
import { packetSizeCheck } from '@drover/shared/protocol/packet-size';
import { readGone, readReport } from '@drover/shared/protocol/read';
import { RelayControl } from '@drover/shared/protocol/relay';
import { mayPublish, parseTopic } from '@drover/shared/protocol/topic';
import { z } from 'zod';
import { createInbound } from '../../agent/src/inbound.ts';
import { keyIdIn } from '../../agent/src/signing-keys.ts';
import { absorb, absorbGone } from '../../control-plane/src/core/reports.ts';
import type { ReportView } from '../../control-plane/src/core/views.ts';
import { aGuest, aHost, aNetwork, anImage, aStorage, aTask, HOST_ID } from '../control-plane/held.ts';

/** Everything that takes bytes from somebody who may be hostile. Each returns, or throws what its callers expect; anything else is a find. */
export const TARGETS: readonly (readonly [string, (bytes: Uint8Array) => void | Promise<void>])[] = [
  ['topic', topic],
  ['report', report],
  ['gone', gone],
  ['command', command],
  ['reply', reply],
  ['packets', packets],
  ['relay', relay],
  ['key-id', keyId],
  ['spec', spec],
];

/** The first byte says which target the rest is for. */
export function fuzz(bytes: Uint8Array): void | Promise<void> {
  const target = TARGETS[(bytes[0] ?? 0) % TARGETS.length];
  return target?.[1](bytes.subarray(1));
}

const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const HOST = HostId.parse(HOST_ID);

function topic(bytes: Uint8Array): void {
  const text = textOf(bytes);
  const parsed = parseTopic(text);
  if (parsed) assert(text === `drover/v1/${parsed.cell}/${parsed.hostId}/${parsed.leaf}`, 'a topic is what it was parsed to');
  if (mayPublish('main', HOST, text)) assert(text.startsWith(`drover/v1/main/${HOST}/up/`), 'a host publishes for itself alone');
}

const random = { fraction: () => 0, text: (length: number) => 'r'.repeat(length) };
const IDS = { nowMs: 1_000_000, storageId: newId('storage', random), networkId: newId('network', random) };
const VIEW: ReportView = {
  host: aHost({ boot: 1, sequence: 1 }),
  resources: [aGuest(), anImage(), aStorage(), aNetwork()],
  tasks: [aTask()],
  hardwareDigest: null,
};
const KNOWN = new Set(VIEW.resources.map(({ kind, id }) => `${kind}/${id}`));

function report(bytes: Uint8Array): void {
  const read = readReport(bytes);
  if (!read) return;
  assert(bytes.length <= MESSAGE_BYTES_MAX, 'what is too large is no report');
  const { change } = absorb(VIEW, read.report, IDS);
  for (const { kind, id } of [...(change.observations ?? []), ...(change.removals ?? [])])
    assert(KNOWN.has(`${kind}/${id}`), 'a host writes only of what is its own');
  for (const update of change.hosts ?? []) assert(update.id === HOST_ID, 'a host says nothing of another');
  for (const wish of change.wishes ?? []) assert(wish.hostId === HOST_ID, 'a host brings about nothing on another');
  // What is written must be writable.
  digest(change);
}

function gone(bytes: Uint8Array): void {
  const said = readGone(bytes);
  if (said) absorbGone(VIEW.host, said, IDS.nowMs);
}

const inbound = createInbound({
  hostId: HOST,
  // As if the control plane itself had signed it.
  payloadOf: async (text) => {
    try {
      return JSON.parse(text);
    } catch {
      return null;
    }
  },
  now: () => 0,
});
const isExpected = (thrown: unknown): boolean => thrown instanceof Problem || thrown instanceof z.ZodError || thrown instanceof SyntaxError;

async function command(bytes: Uint8Array): Promise<void> {
  try {
    const said = await inbound.command(bytes);
    if ('command' in said) assert(Command.safeParse(said.command).success, 'a command is whole');
    else assert(Refusal.safeParse(said.refused).success, 'a refusal can be reported');
  } catch (thrown) {
    if (!isExpected(thrown)) throw thrown;
  }
}

async function reply(bytes: Uint8Array): Promise<void> {
  try {
    const said = await inbound.reply(bytes);
    if (said.lastBoot !== undefined) assert(BootReply.safeParse(said).success, 'only a signed reply counts an agent up');
  } catch (thrown) {
    if (!isExpected(thrown)) throw thrown;
  }
}

function packets(bytes: Uint8Array): void {
  const whole = packetSizeCheck(1_000)(bytes);
  const check = packetSizeCheck(1_000);
  let isFine = true;
  for (let at = 0; at < bytes.length && isFine; at += 7) isFine = check(bytes.subarray(at, at + 7));
  assert(whole === isFine, 'how a stream is cut makes no difference');
}

function relay(bytes: Uint8Array): void {
  try {
    RelayControl.safeParse(JSON.parse(textOf(bytes)));
  } catch (thrown) {
    if (!isExpected(thrown)) throw thrown;
  }
}

function keyId(bytes: Uint8Array): void {
  const kid = keyIdIn(textOf(bytes));
  assert(kid === null || typeof kid === 'string', 'a key id is a string');
}

function spec(bytes: Uint8Array): void {
  const kinds = ResourceKind.options;
  const kind = kinds[(bytes[0] ?? 0) % kinds.length];
  if (!kind) return;
  let body: unknown;
  try {
    body = JSON.parse(textOf(bytes.subarray(1)));
  } catch {
    return;
  }
  const parsed = SPEC_SCHEMAS[kind].safeParse(body);
  if (parsed.success) digest(parsed.data);
}
