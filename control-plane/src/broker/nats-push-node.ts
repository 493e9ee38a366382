import { Problem } from '@drover/shared/lib/problem';
import { connect, jwtAuthenticator } from '@nats-io/transport-node';
import { z } from 'zod';
import type { NatsPorts } from './nats.ts';

const PUSH_MS = 5_000;
const Answer = z.object({ data: z.object({ code: z.number() }).optional(), error: z.object({ description: z.string() }).optional() });

/** Over NATS' own protocol, which alone reaches its system account. `url`: nats:// or tls://. */
export const natsPush =
  (urlNow: () => string | null, authority: string | null): NatsPorts['push'] =>
  async (claims, { token, seed }) => {
    const url = urlNow();
    if (url === null)
      throw new Problem('unsupported', 'the cell does not say where NATS takes its own protocol', {
        suggestion: 'give it with --admin-url',
      });
    const isSafe = new URL(url).protocol === 'tls:';
    const connection = await connect({
      servers: new URL(url).host,
      authenticator: jwtAuthenticator(token, new TextEncoder().encode(seed)),
      timeout: PUSH_MS,
      reconnect: false,
      ...(isSafe ? { tls: authority === null ? {} : { ca: authority } } : {}),
    });
    try {
      const message = await connection.request('$SYS.REQ.CLAIMS.UPDATE', claims, { timeout: PUSH_MS });
      const answer = Answer.parse(message.json());
      if (answer.data?.code !== 200)
        throw new Problem('internal', `NATS did not take the account: ${answer.error?.description ?? 'no reason given'}`);
    } finally {
      await connection.close();
    }
  };
