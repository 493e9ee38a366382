import { realClock } from '@drover/shared/lib/clock';
import { z } from 'zod';
import { QmpConnection } from '../../agent/src/drivers/guest/qmp.ts';
import { qmpPath } from './qemu.ts';
import { until } from './until.ts';

export type Ask = (command: string, args?: Readonly<Record<string, unknown>>) => Promise<unknown>;

/** A conversation with a host's QEMU, ended at once after: its monitor hears one process at a time, and others may want to drive the lab. */
export async function withMonitor<T>(folder: string, talk: (ask: Ask) => Promise<T>): Promise<T> {
  const connection = await until('the monitor of QEMU answers', 15_000, () =>
    QmpConnection.open(qmpPath(folder), { clock: realClock, onEvent: () => {}, onClose: () => {} }, 3_000),
  );
  try {
    return await talk((command, args) => connection.execute(command, args, 30_000));
  } finally {
    connection.close();
  }
}

const Migration = z.object({ 'status': z.string().optional(), 'error-desc': z.string().optional() });

/** Until what was saved, or is taken in, is complete. */
export async function untilMigrated(ask: Ask, what: string): Promise<void> {
  await until(what, 120_000, async () => {
    const { status, 'error-desc': why } = Migration.parse(await ask('query-migrate'));
    if (status === 'failed') throw new Error(why ?? 'QEMU says no more than that it failed');
    return status === 'completed';
  });
}

/** The memory stays in its file, and is no part of what is saved. */
export const leaveMemoryOut = (ask: Ask): Promise<unknown> =>
  ask('migrate-set-capabilities', { capabilities: [{ capability: 'x-ignore-shared', state: true }] });

const Chardevs = z.array(z.object({ 'label': z.string(), 'frontend-open': z.boolean() }));

/** Has the agent in the host opened its channel? Not before it has booted, and no longer once it is reset. */
export const hasAgent = async (ask: Ask): Promise<boolean> =>
  Chardevs.parse(await ask('query-chardev')).some((chardev) => chardev.label === 'agent' && chardev['frontend-open']);
