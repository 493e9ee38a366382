import { realClock } from '@drover/shared/lib/clock';
import { Problem } from '@drover/shared/lib/problem';
import { ask } from '../local/client.ts';
import { type LocalGuest, LocalGuests } from '../local/protocol.ts';
import { guestConsole } from './console.ts';
import { duration, table } from './print.ts';
import { CONFIG_PATH, type Command, parseWords, readConfig, say } from './words.ts';

const POWERS = { start: 'running', shutdown: 'shutdown', stop: 'off' } as const;

/** The guests of this host: what there is, and how to start, end and enter them. */
export const guestsCommand: Command = async (words) => {
  const { values, positionals } = parseWords(words, { config: { type: 'string' }, json: { type: 'boolean' } });
  const { runPath } = readConfig(values.config ?? CONFIG_PATH);
  const [verb, guest, ...more] = positionals;
  if (verb === undefined || verb === 'list') {
    const guests = LocalGuests.parse(await ask(runPath, { do: 'guests' }));
    return say(values.json ? JSON.stringify(guests, null, 2) : guestsInWords(guests, realClock.now()));
  }
  if (verb !== 'console' && !Object.hasOwn(POWERS, verb))
    throw new Problem('bad-request', `what is ${verb}? There are list, start, shutdown, stop, console`, {
      suggestion: 'drover-agent --help',
    });
  if (guest === undefined || more.length > 0)
    throw new Problem('bad-request', `name one guest, by its name or id: drover-agent guests ${verb} web`);
  if (verb === 'console') return guestConsole(runPath, guest);
  // Sound: it was just looked up.
  const power = POWERS[verb as keyof typeof POWERS];
  say(String(await ask(runPath, { do: 'power', guest, power })));
};

export function guestsInWords(guests: readonly LocalGuest[], nowMs: number): string {
  if (guests.length === 0) return 'No guests.';
  const rows = guests.map((guest) => [
    String(guest.id),
    guest.name,
    guest.type,
    guest.power,
    guest.addresses.join(' ') || '-',
    noteOf(guest, nowMs),
  ]);
  return table(['ID', 'NAME', 'TYPE', 'POWER', 'ADDRESSES', 'NOTE'], rows);
}

const LOCAL_WORDS = { running: 'started', shutdown: 'shut down', off: 'stopped' } as const;

function noteOf(guest: LocalGuest, nowMs: number): string {
  const parts = [
    guest.local ? `${LOCAL_WORDS[guest.local.power]} on this host ${duration(nowMs - guest.local.atMs)} ago` : null,
    guest.problem ?? (guest.waitingFor ? `waits for ${guest.waitingFor}` : null),
  ];
  return parts.filter((part) => part !== null).join('; ');
}
