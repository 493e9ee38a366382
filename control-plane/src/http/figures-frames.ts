import type { Clock } from '@drover/shared/lib/clock';
import type { Host } from '../core/held.ts';
import type { Store } from '../db/store.ts';
import { hostFiguresView } from './host-views.ts';

/** Hosts tell their figures every half minute; other processes than the one that hears it see them once a minute. */
export const FIGURES_LOOK_MS = 5_000;

/**
 * Live figures of one host for a stream that asked for them. They are no events, which everybody would be told of: whoever listens has
 * them looked up, one short row every five seconds, whichever process the host is connected to. Gives '' when there are no newer ones.
 */
export function figuresFrames(store: Pick<Store, 'figures'>, clock: Clock, host: Pick<Host, 'id' | 'name'>): () => Promise<string> {
  let lookedAtMs = Number.NEGATIVE_INFINITY;
  let toldAtMs = Number.NEGATIVE_INFINITY;
  return async () => {
    const nowMs = clock.now();
    if (nowMs >= lookedAtMs && nowMs < lookedAtMs + FIGURES_LOOK_MS) return '';
    lookedAtMs = nowMs;
    const told = await store.figures(host.id);
    if (!told || told.atMs === toldAtMs) return '';
    toldAtMs = told.atMs;
    return `event: figures\ndata: ${JSON.stringify(hostFiguresView(host, told, nowMs))}\n\n`;
  };
}
