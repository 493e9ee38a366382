import { Command } from '@drover/shared/protocol/message';
import { createInbound, type Inbound, type InboundPorts } from '../../../agent/src/inbound.ts';
import { contentOf } from '../signer.ts';
import type { Mutant } from './mutant.ts';

const credulous = (ports: InboundPorts): Inbound => createInbound({ ...ports, payloadOf: async (jws) => contentOf(jws) });

const timeless = (ports: InboundPorts): Inbound => createInbound({ ...ports, now: () => 0 });

/** Takes what is meant for another host, as if it were meant for this one. */
const nosy = (ports: InboundPorts): Inbound =>
  createInbound({
    ...ports,
    async payloadOf(jws) {
      const said = Command.safeParse(await ports.payloadOf(jws));
      if (!said.success) return ports.payloadOf(jws);
      return { ...said.data, host: ports.hostId, resource: { ...said.data.resource, hostId: ports.hostId } };
    },
  });

/** Thinks that every command has just been sent. */
function unsuspecting(ports: InboundPorts): Inbound {
  const inbound = createInbound(ports);
  // Above all counters that are made from the time.
  let counter = 2 * ports.now();
  return {
    ...inbound,
    async command(bytes) {
      const said = await inbound.command(bytes);
      counter = Math.max(counter, 2 * ports.now()) + 1;
      return 'command' in said ? { command: { ...said.command, counter } } : said;
    },
  };
}

const HOSTILE = { hostility: 0.5 };

export const INBOUND_MUTANTS: readonly Mutant[] = [
  {
    name: 'signatures are not looked at',
    rule: '16: only what is signed',
    from: 1,
    agent: () => ({ inbound: credulous }),
    network: HOSTILE,
  },
  {
    name: "another host's commands are taken",
    rule: '16: signed for this host',
    from: 2,
    agent: () => ({ inbound: nosy }),
    network: HOSTILE,
  },
  {
    name: 'commands that were kept from an earlier connection are taken',
    rule: '16: signed with a counter',
    from: 6,
    agent: () => ({ inbound: unsuspecting }),
    network: HOSTILE,
  },
];

export const TIMELESS: Mutant = {
  name: 'commands that have expired are taken',
  rule: '16: signed with an expiry',
  from: 1,
  agent: () => ({ inbound: timeless }),
  network: HOSTILE,
};
