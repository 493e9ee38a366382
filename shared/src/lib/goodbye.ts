import type { Clock } from './clock.ts';

/** For the last words to be acknowledged. */
const GOODBYE_MS = 2_000;

/** An MQTT client, as far as it is needed here. */
interface Connection {
  readonly connected: boolean;
  readonly stream: { destroy(): unknown };
  endAsync(force: boolean): Promise<unknown>;
  once(event: 'close', act: () => void): unknown;
}

/** Ends a connection once all that was said is acknowledged; or without, when it is not soon: one that has just died never does it. */
export async function goodbye(connection: Connection, clock: Pick<Clock, 'after'>): Promise<void> {
  const cancel = clock.after(GOODBYE_MS, () => connection.stream.destroy());
  const isOver = new Promise<void>((resolve) => connection.once('close', resolve));
  await Promise.race([isOver, connection.endAsync(!connection.connected).catch(() => {})]).finally(cancel);
}
