import { HostFiguresView } from '@drover/shared/api/host-views';
import { ChangeEvent } from '@drover/shared/api/views';
import type { Client } from './client.ts';
import { CliError } from './error.ts';

/** The control plane says something at least every 15 s; silence for longer means the connection is dead. */
const SILENCE_MS = 45_000;
const RECONNECT_MS = [250, 500, 1_000, 2_000, 5_000] as const;

export type Live =
  | { readonly do: 'connected' }
  | { readonly do: 'figures'; readonly figures: HostFiguresView }
  | { readonly do: 'change'; readonly change: ChangeEvent }
  | { readonly do: 'lost' };

/**
 * What changes in the fleet, as it changes, for as long as the caller listens. A lost connection is taken up again where it
 * broke off; with `figures` also the live figures of that host. `connected` comes first and after each break, so that the caller can look at everything once more.
 */
export async function* follow(client: Client, signal: AbortSignal, query: { readonly figures?: string } = {}): AsyncGenerator<Live> {
  let cursor: string | null = null;
  let attempts = 0;
  while (!signal.aborted) {
    const connection = new AbortController();
    const end = () => connection.abort();
    signal.addEventListener('abort', end, { once: true });
    let watchdog = setTimeout(end, SILENCE_MS);
    try {
      const headers: Record<string, string> = { accept: 'text/event-stream', ...(cursor === null ? {} : { 'last-event-id': cursor }) };
      const response = await client.open(
        `/events${query.figures === undefined ? '' : `?figures=${encodeURIComponent(query.figures)}`}`,
        headers,
        connection.signal,
      );
      attempts = 0;
      for await (const event of eventsOf(response, () => {
        clearTimeout(watchdog);
        watchdog = setTimeout(end, SILENCE_MS);
      })) {
        if (event.id !== null) cursor = event.id;
        const figures = event.name === 'figures' ? HostFiguresView.safeParse(JSON.parse(event.data)) : null;
        if (figures?.success) yield { do: 'figures', figures: figures.data };
        const change = event.name === 'change' ? parseChange(event.data) : null;
        if (change) yield { do: 'change', change };
        // `hello` says from which moment on nothing is missed, `reset` that something was: both ask for a fresh look.
        else if (event.name !== 'change' && event.name !== 'figures') yield { do: 'connected' };
      }
    } catch (error) {
      if (signal.aborted) return;
      // A refusal stays one; a connection that broke is taken up again.
      if (error instanceof CliError && error.exit !== 'unreachable' && error.problem?.retryable !== true) throw error;
    } finally {
      clearTimeout(watchdog);
      signal.removeEventListener('abort', end);
      connection.abort();
    }
    if (signal.aborted) return;
    yield { do: 'lost' };
    await pause(RECONNECT_MS[Math.min(attempts, RECONNECT_MS.length - 1)] ?? 5_000, signal);
    attempts += 1;
  }
}

export interface ServerSentEvent {
  readonly id: string | null;
  readonly name: string;
  readonly data: string;
}

/** The events of a text/event-stream body. `heard` is called for every piece, comments included. */
export async function* eventsOf(response: Response, heard: () => void): AsyncGenerator<ServerSentEvent> {
  if (!response.body) return;
  const decoder = new TextDecoder();
  let rest = '';
  for await (const piece of response.body) {
    heard();
    rest += decoder.decode(piece, { stream: true });
    const blocks = rest.split(/\r?\n\r?\n/);
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const event = parseBlock(block);
      if (event) yield event;
    }
  }
}

export function parseBlock(block: string): ServerSentEvent | null {
  let id: string | null = null;
  let name = 'message';
  const data: string[] = [];
  for (const line of block.split(/\r?\n/)) {
    const [, field = '', value = ''] = /^([^:]*)(?:: ?(.*))?$/.exec(line) ?? [];
    if (field === 'id') id = value;
    else if (field === 'event') name = value;
    else if (field === 'data') data.push(value);
  }
  return data.length === 0 && id === null ? null : { id, name, data: data.join('\n') };
}

function parseChange(text: string): ChangeEvent | null {
  try {
    return ChangeEvent.parse(JSON.parse(text));
  } catch {
    // A kind that this version does not know.
    return null;
  }
}

function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, delayMs);
    signal.addEventListener('abort', done, { once: true });
  });
}
