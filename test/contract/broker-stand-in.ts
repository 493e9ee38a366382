import { createServer, type Server, type Socket } from 'node:net';
import { Aedes, type Client } from 'aedes';
import { jwtVerify } from 'jose';

/** What infra/brokers/emqx/drover.conf makes of EMQX: tokens as passwords, three rules on topics, nothing said to whom they refuse. */
export interface StandIn {
  readonly url: string;
  close(): Promise<void>;
}

/** What a broker may get wrong; for the tests of the check. */
export interface Flaws {
  readonly everybodyMayHearAll?: boolean;
  readonly everybodyMaySayAll?: boolean;
  readonly losesEvery?: number;
  readonly bytesMax?: number;
  readonly forgetsWills?: boolean;
}

export async function jwtStandIn(secretBase64: string, flaws: Flaws = {}): Promise<StandIn> {
  const secret = Buffer.from(secretBase64, 'base64');
  const names = new WeakMap<Client, string>();
  const aedes = await Aedes.createBroker({
    // EMQX waits for nobody.
    drainTimeout: 500,
    authenticate(client, username, password, done) {
      jwtVerify(password?.toString('utf8') ?? '', secret, { algorithms: ['HS256'] }).then(
        ({ payload }) => {
          const isWho = payload.username === username && payload.clientid === client.id;
          if (isWho) names.set(client, username ?? '');
          done(null, isWho);
        },
        () => done(null, false),
      );
    },
    authorizePublish(client, packet, done) {
      const name = client ? names.get(client) : undefined;
      if (flaws.bytesMax !== undefined && packet.payload.length > flaws.bytesMax) return done(new Error('too large'));
      if (name !== undefined && !flaws.everybodyMaySayAll && !mayUse(name, 'up', packet.topic)) packet.topic = 'refused';
      if (flaws.forgetsWills && packet.topic.endsWith('/gone')) packet.topic = 'refused';
      done(null);
    },
    authorizeSubscribe(client, subscription, done) {
      const name = client ? names.get(client) : undefined;
      done(null, name !== undefined && (flaws.everybodyMayHearAll || mayUse(name, 'down', subscription.topic)) ? subscription : null);
    },
  });
  let count = 0;
  if (flaws.losesEvery !== undefined) {
    const every = flaws.losesEvery;
    aedes.preConnect = (_client, _packet, done) => done(null, true);
    aedes.authorizeForward = (_client, packet) => {
      count += 1;
      return count % every === 0 ? null : packet;
    };
  }
  const server: Server = createServer({ noDelay: true }, (socket: Socket) => void aedes.handle(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `mqtt://127.0.0.1:${address.port}`,
    close: () =>
      new Promise((resolve) => {
        aedes.close(() => server.close(() => resolve()));
      }),
  };
}

function mayUse(name: string, direction: 'up' | 'down', topic: string): boolean {
  if (name === 'drover-control-plane') return topic.startsWith('drover/v1/');
  if (name === 'drover-check') return topic.startsWith('drover/v1/check/');
  const [root, version, cell, host, side, ...rest] = topic.split('/');
  return root === 'drover' && version === 'v1' && cell !== '#' && host === name && side === direction && rest.length > 0;
}
