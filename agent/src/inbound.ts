import { Problem, problemOfInput } from '@drover/shared/lib/problem';
import type { HostId } from '@drover/shared/model/id';
import { ResourceRef } from '@drover/shared/model/resource';
import { type AnyReply, BootReply, Command, MESSAGE_BYTES_MAX, type Refusal, Reply } from '@drover/shared/protocol/message';
import { z } from 'zod';

export interface InboundPorts {
  readonly hostId: HostId;
  /** What a JWS says, if a pinned key has signed it; null: none has. */
  readonly payloadOf: (jws: string) => Promise<unknown>;
  /** The control plane's clock, as far as it is known. */
  readonly now: () => number;
}

/** The broker is a hostile transport: what comes over it is believed only as far as the control plane has signed it. Both throw Problem. */
export interface Inbound {
  /** A command for this host, signed by a pinned key and not expired; or that it is one, and that we do not understand it. */
  command(bytes: Uint8Array): Promise<{ readonly command: Command } | { readonly refused: Refusal }>;
  reply(bytes: Uint8Array): Promise<AnyReply>;
}

export function createInbound({ hostId, payloadOf, now }: InboundPorts): Inbound {
  async function signed(text: string): Promise<unknown> {
    const payload = await payloadOf(text);
    if (payload === null) throw new Problem('not-allowed', 'a message that is not signed by a known key');
    const envelope = Envelope.safeParse(payload);
    if (!envelope.success) throw new Problem('not-allowed', 'a signed message that is meant for nobody');
    if (envelope.data.host !== hostId) throw new Problem('not-allowed', 'a message for another host');
    if (envelope.data.expiresAtMs < now()) throw new Problem('gone', 'a message that has expired');
    return payload;
  }

  return {
    async command(bytes) {
      const payload = await signed(textOf(bytes));
      const command = Command.safeParse(payload);
      if (command.success) {
        if (command.data.resource.hostId !== hostId) throw new Problem('not-allowed', "a command about another host's resource");
        return { command: command.data };
      }
      const named = Named.safeParse(payload);
      const problem = problemOfInput(command.error, 'the command');
      if (!named.success) throw problem;
      const unsupported = new Problem('unsupported', `this host's agent does not understand the command: ${problem.message}`, {
        suggestion: 'upgrade the agent on this host',
        field: problem.field,
      });
      return { refused: { ...named.data.resource, problem: unsupported.view() } };
    },
    async reply(bytes) {
      const text = textOf(bytes);
      if (!text.startsWith('{')) return BootReply.parse(await signed(text));
      return Reply.parse(JSON.parse(text));
    },
  };
}

const Envelope = z.object({ host: z.string(), expiresAtMs: z.number().int() });
/** As little as has to be understood of a command to say that the rest is not. */
const Named = z.object({ resource: z.object({ kind: z.string().max(48), id: ResourceRef.shape.id, generation: z.number().int().min(1) }) });

function textOf(bytes: Uint8Array): string {
  if (bytes.length > MESSAGE_BYTES_MAX) throw new Problem('too-large', 'a message above the limit');
  return new TextDecoder().decode(bytes);
}
