import { connect, createServer, type Server, type Socket } from 'node:net';
import { Transform } from 'node:stream';
import { realClock } from '@drover/shared/lib/clock';

/** A wire that can be cut: everything between an agent and its control plane passes through it. */
export interface Wire {
  readonly port: number;
  readonly url: string;
  cut(): void;
  /** Nothing comes through any more in that direction, and nobody is told. */
  mute(direction: 'up' | 'down'): void;
  /** Everything arrives so much later, in both directions, also what is under way when it is mended. */
  slow(byMs: number): void;
  mend(): void;
  close(): Promise<void>;
}

export async function layWire(toPort: number): Promise<Wire> {
  const sockets = new Set<Socket>();
  /** Connections on which something was lost: nothing that comes later on them can be understood. */
  const broken = new Set<Socket>();
  let isCut = false;
  let muted: 'up' | 'down' | null = null;
  let slowByMs = 0;
  const server: Server = createServer((near) => {
    if (isCut) {
      near.destroy();
      return;
    }
    const far = connect(toPort, '127.0.0.1');
    for (const [direction, from, to] of [
      ['up', near, far],
      ['down', far, near],
    ] as const) {
      sockets.add(from);
      from.setNoDelay(true);
      // An end that breaks takes the other with it, as on a real wire.
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        broken.delete(from);
        to.destroy();
      });
      let waiting = 0;
      let last = Promise.resolve();
      const mouth = new Transform({
        transform(chunk, _encoding, done) {
          if (muted === direction) broken.add(from);
          if (broken.has(from)) return done();
          if (slowByMs === 0 && waiting === 0) return done(null, chunk);
          // Nothing overtakes on a wire: what comes once it is mended waits for what came before.
          waiting += 1;
          const arrives = realClock.sleep(slowByMs);
          last = last
            .then(() => arrives)
            .then(() => {
              waiting -= 1;
              if (!mouth.destroyed) mouth.push(chunk);
            });
          done();
        },
        flush: (done) => void last.then(() => done()),
      });
      from.pipe(mouth).pipe(to);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    cut() {
      isCut = true;
      for (const socket of sockets) socket.destroy();
    },
    mute(direction) {
      muted = direction;
    },
    slow(byMs) {
      slowByMs = byMs;
    },
    mend() {
      isCut = false;
      muted = null;
      slowByMs = 0;
      for (const socket of broken) socket.destroy();
    },
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
