import { Problem } from '@drover/shared/lib/problem';
import { type Life, never } from './life.ts';
import type { Machine } from './machine.ts';

export interface Operator {
  readonly machine: Machine;
  /** The agent that operates. */
  readonly life: Life;
}

/** What hangs goes on once the weather is calm again, if nobody has ended it by then. */
const HANGING_LOOK_MS = 1_000;

/** Carries out the parts of one operation on a host, each at once, with time between them: what may go wrong does so between two parts. */
export async function operate(
  { machine, life }: Operator,
  operation: string,
  subject: string | number,
  signal: AbortSignal,
  parts: readonly (() => void)[],
): Promise<void> {
  const { weather } = machine;
  const fate = weather.fate(operation, String(subject));
  const failsAt = fate === 'fails' ? 0 : fate === 'fails-halfway' ? Math.ceil(parts.length / 2) : Number.POSITIVE_INFINITY;
  for (const [index, part] of parts.entries()) {
    life.point(`${operation} ${subject}, before part ${index + 1} of ${parts.length}`);
    await life.clock.sleep(weather.delayMs(operation), signal);
    while (fate === 'hangs' && !weather.isCalm) await life.clock.sleep(HANGING_LOOK_MS, signal);
    if (index === failsAt) throw failure(operation, subject);
    part();
    life.point(`${operation} ${subject}, after part ${index + 1} of ${parts.length}`);
    if (!life.isAlive) return never();
  }
  if (failsAt === parts.length) throw failure(operation, subject);
}

/** A question to the host: it takes a moment too, in which the world may change. */
export async function ask<T>({ machine, life }: Operator, question: string, answer: () => T): Promise<T> {
  life.point(question);
  const delayMs = machine.weather.delayMs(question);
  if (delayMs > 0) await life.clock.sleep(delayMs);
  return life.isAlive ? answer() : never();
}

const failure = (operation: string, subject: string | number) =>
  new Problem('host-failed', `${operation} ${subject} failed`, { retryable: true });
