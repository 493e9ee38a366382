import type { FleetCounts } from './light-agent.ts';
import { connectPacket, pubackPacket, publishPacket, subscribePacket } from './mqtt-bytes.ts';
import { openWire } from './wire.ts';

/** The floor of any agent: says back at once what the broker brings. */
export function echo(url: string, clientId: string, localAddress: string, counts: FleetCounts): void {
  let id = 0;
  const next = (): number => {
    id = (id % 65_535) + 1;
    return id;
  };
  const wire = openWire(
    { url, localAddress },
    {
      open: () => wire.send(connectPacket({ clientId, username: clientId, password: 'x', will: null })),
      packet(packet) {
        if (packet.type === 'connack') wire.send(subscribePacket(next(), `bare/${clientId}/down`, 1));
        else if (packet.type === 'suback') counts.in += 1;
        else if (packet.type === 'publish') {
          if (packet.id !== null) wire.send(pubackPacket(packet.id));
          wire.send(publishPacket(next(), `bare/${clientId}/up`, packet.payload.toString('utf8')));
        }
      },
      close: () => {
        counts.in -= 1;
      },
    },
  );
}
