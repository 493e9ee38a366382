import type { Server } from 'node:http';
import { Problem } from '@drover/shared/lib/problem';

/** Listens, or says plainly why not. Without an address: on all of them, by IPv6 and IPv4 as far as the machine has them. Gives the port. */
export async function listen(server: Server, port: number, host: string | null): Promise<number> {
  try {
    return await listenOn(server, port, host ?? '::');
  } catch (thrown) {
    if (host === null && codeOf(thrown) === 'EAFNOSUPPORT')
      return listenOn(server, port, '0.0.0.0').catch((error) => refuse(error, port, '0.0.0.0'));
    return refuse(thrown, port, host);
  }
}

/** Where this machine itself reaches what listens so. */
export function localUrl(host: string | null, port: number): string {
  const name = host === null || host === '::' || host === '0.0.0.0' ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return `http://${name}:${port}`;
}

function listenOn(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host, backlog: 4_096 }, () => {
      server.off('error', reject);
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

const codeOf = (thrown: unknown): unknown => (thrown instanceof Error && 'code' in thrown ? thrown.code : undefined);

function refuse(cause: unknown, port: number, host: string | null): never {
  switch (codeOf(cause)) {
    case 'EADDRINUSE':
      throw new Problem('busy', `port ${port} is in use by another program`, {
        suggestion: 'end it, or choose another port: DROVER_PORT=8421',
        cause,
      });
    case 'EACCES':
      throw new Problem('not-allowed', `no right to listen on port ${port}`, {
        suggestion: 'choose a port above 1023: DROVER_PORT=8420',
        cause,
      });
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      throw new Problem('bad-request', `this machine has no address ${host}`, {
        suggestion: 'set DROVER_LISTEN to one that it has',
        cause,
      });
    default:
      throw cause;
  }
}
