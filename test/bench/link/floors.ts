import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setNoDelay } from '@drover/shared/lib/no-delay';
import { connectAsync, type MqttClient } from 'mqtt';
import { LocalClient } from '../../../control-plane/src/db/local-client.ts';
import { timed } from '../statistics.ts';

/** Commands to bare clients of a bare broker, which say each back at once: what no link over that broker can be quicker than. */
export interface BareLink {
  /** To that client; in ms, until it has answered. */
  one(client: number): Promise<number>;
  /** To these clients at once; in ms, until the last has answered. */
  fanOut(clients: number): Promise<number>;
  /** So many, a hundred under way at a time, over the clients in turn; per second. */
  flood(count: number, clients: number): Promise<number>;
  close(): Promise<void>;
}

const UNDER_WAY = 100;

export async function bareLink(url: string): Promise<BareLink> {
  const client: MqttClient = await connectAsync(url, { username: 'bench', password: 'x', reconnectPeriod: 0 });
  setNoDelay(client.stream);
  let answered: () => void = () => {};
  /** Who asked which client, in that order. */
  const asked = new Map<string, (() => void)[]>();
  client.on('message', (topic) => {
    asked.get(topic)?.shift()?.();
    answered();
  });
  await client.subscribeAsync('bare/+/up', { qos: 1 });
  const order = (index: number): void => void client.publish(`bare/bare${index}/down`, '{"bare":1}', { qos: 1 });
  const untilAnswered = (count: number, next: (answers: number) => void): Promise<void> =>
    new Promise((resolve) => {
      let answers = 0;
      answered = () => {
        answers += 1;
        if (answers === count) resolve();
        else next(answers);
      };
    });
  return {
    one: (index) =>
      timed(
        () =>
          new Promise<void>((resolve) => {
            const topic = `bare/bare${index}/up`;
            asked.set(topic, [...(asked.get(topic) ?? []), resolve]);
            order(index);
          }),
      ),
    fanOut: (clients) =>
      timed(() => {
        const all = untilAnswered(clients, () => {});
        for (let index = 0; index < clients; index += 1) order(index);
        return all;
      }),
    async flood(count, clients) {
      const ms = await timed(() => {
        let sent = 0;
        const send = (): void => {
          if (sent < count) order(sent++ % clients);
        };
        const all = untilAnswered(count, send);
        for (let index = 0; index < UNDER_WAY; index += 1) send();
        return all;
      });
      return (count * 1_000) / ms;
    },
    close: () => client.endAsync(true),
  };
}

/** One row, one commit, synced: in ms each. */
export async function commitTimes(folder: string, count: number): Promise<readonly number[]> {
  const path = join(folder, 'floor.db');
  const database = new LocalClient(path, 0);
  await database.execute('PRAGMA journal_mode = WAL');
  await database.execute('PRAGMA synchronous = FULL');
  await database.execute('CREATE TABLE thing (id INTEGER PRIMARY KEY, text TEXT)');
  const times: number[] = [];
  for (let index = 0; index < count; index += 1) {
    times.push(await timed(() => database.execute({ sql: 'INSERT INTO thing (text) VALUES (?)', args: ['x'.repeat(200)] })));
  }
  database.close();
  for (const end of ['', '-wal', '-shm']) rmSync(`${path}${end}`, { force: true });
  return times;
}
