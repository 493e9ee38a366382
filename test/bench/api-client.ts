import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';
import { ChangeEvent } from '@drover/shared/api/views';

/** The API as a program uses it that minds its latency: kept-alive connections, and one event stream to wait by. */
export interface ApiClient {
  call<T>(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, body?: unknown): Promise<T>;
  /** Looks at `path` now and after each event about the thing, and resolves with the moment at which it was as wanted. */
  until<T>(kind: ChangeEvent['kind'], id: string, path: string, wanted: (value: T) => boolean): Promise<number>;
  /** Resolves with the moment at which an event told that the thing is gone. */
  untilGone(kind: ChangeEvent['kind'], id: string): Promise<number>;
  /** Each event as it comes; the returned function ends it. */
  onEvents(seen: (event: ChangeEvent) => void): () => void;
  close(): void;
}

export async function connectApi(url: string, token: string): Promise<ApiClient> {
  const agent = new Agent({ keepAlive: true, noDelay: true, maxSockets: 64 });
  const headers = { authorization: `Bearer ${token}` };
  const listeners = new Map<string, Set<(event: ChangeEvent) => void>>();
  const all = new Set<(event: ChangeEvent) => void>();

  async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const sent = request(`${url}/api/v1${path}`, {
      method,
      agent,
      headers: text === undefined ? headers : { ...headers, 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) },
    });
    sent.end(text);
    const response = await responseTo(sent);
    const answer = await textOf(response);
    if ((response.statusCode ?? 500) >= 400) throw new Error(`${method} ${path}: ${response.statusCode} ${answer}`);
    // The caller names what this address answers with, as in every client of JSON.
    return (answer === '' ? null : JSON.parse(answer)) as T;
  }

  function on(kind: ChangeEvent['kind'], id: string, seen: (event: ChangeEvent) => void): () => void {
    const key = `${kind} ${id}`;
    const set = listeners.get(key) ?? new Set();
    listeners.set(key, set.add(seen));
    return () => {
      set.delete(seen);
      if (set.size === 0) listeners.delete(key);
    };
  }

  function until<T>(kind: ChangeEvent['kind'], id: string, path: string, wanted: (value: T) => boolean): Promise<number> {
    return new Promise((resolve, reject) => {
      let isLooking = false;
      let again = false;
      const look = () => {
        again = true;
        if (isLooking) return;
        isLooking = true;
        void (async () => {
          while (again) {
            again = false;
            if (!wanted(await call<T>('GET', path))) continue;
            const atMs = performance.now();
            stop();
            return resolve(atMs);
          }
          isLooking = false;
        })().catch((error: unknown) => {
          stop();
          reject(error);
        });
      };
      const stop = on(kind, id, look);
      look();
    });
  }

  const stream = request(`${url}/api/v1/events`, { headers });
  stream.end();
  const events = await responseTo(stream);
  // What comes after the end of a run is nobody's business.
  events.on('error', () => {});
  readEvents(events, (event) => {
    for (const seen of all) seen(event);
    for (const seen of [...(listeners.get(`${event.kind} ${event.id}`) ?? [])]) seen(event);
  });

  return {
    call,
    until,
    untilGone: (kind, id) =>
      new Promise((resolve) => {
        const stop = on(kind, id, (event) => {
          if (!event.gone) return;
          stop();
          resolve(performance.now());
        });
      }),
    onEvents(seen) {
      all.add(seen);
      return () => void all.delete(seen);
    },
    close() {
      stream.destroy();
      agent.destroy();
    },
  };
}

function responseTo(sent: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    sent.once('response', resolve);
    sent.once('error', reject);
  });
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

function readEvents(response: IncomingMessage, seen: (event: ChangeEvent) => void): void {
  let rest = '';
  response.setEncoding('utf8').on('data', (chunk: string) => {
    const frames = (rest + chunk).split('\n\n');
    rest = frames.pop() ?? '';
    for (const frame of frames) {
      if (!/^event: change$/m.test(frame)) continue;
      seen(ChangeEvent.parse(JSON.parse(/^data: (.*)$/m.exec(frame)?.[1] ?? '')));
    }
  });
}
