import { parseArgs } from 'node:util';
import { Problem } from '@drover/shared/lib/problem';
import { RELEASES, type Release } from './recipe.ts';
import { WAYS, type Way } from './state.ts';

export const HELP = `npm run lab: whole Debian hosts, nested in this machine, on a network of their own with Drover's control plane

Needs root. The first "up" makes an image from Debian's mirror and boots it once, which takes minutes; after that, seconds.

  prepare                   makes the image and boots it once, as the first up would
  up [N]                    N hosts (default: 3) and the control plane
     --release bookworm     Debian 12 instead of 13
     --memory 2048          MiB for each host (default: 1536)
     --no-control-plane     the hosts alone
  list                      what runs, with addresses
  exec N COMMAND…           runs a command as root; its output comes when it has ended
     --stdin                before N: passes on what is piped in
  copy FROM TO              a file or folder into a host or out of it: one of the two is N:/path
  console N                 its serial console, with a root shell; Ctrl-] leaves
  console N --text          what it has said so far
  screenshot N FILE.png     what its display shows
  cut N [--one-way in|out]  lets nothing pass: into it, out of it, or both
  delay N --ms 200          what it sends leaves later
  throttle N --kbit 512     at most so much, each way
  mend N                    nothing cut, delayed or throttled any more
  freeze N, thaw N          stops it and lets it go on; its clock is set then, unless --keep-clock
  reset N                   its reset button
  power-cut N, power-on N   pulls its plug: what it has not flushed is lost; starts it again
  disk N 10G                plugs in an empty disk
  logs [FOLDER]             consoles, journals and screenshots of all (default: test-results/lab)
  down                      ends all of it, and leaves nothing but the image
  test [NAME…]              runs the lab's own test suites
     --nightly              the long way: 50 power cuts, an hour without the control plane, Debian 12 too

  --lab NAME                another lab than "lab": each command takes it

Examples
  npm run lab -- up 3
  npm run lab -- exec 1 systemctl status
  npm run lab -- exec 1 -- sh -c 'ping -c 3 10.213.1.12'
  npm run lab -- copy agent/dist/agent.js 1:/opt/agent.js
  npm run lab -- cut 2 --one-way in
  npm run lab -- power-cut 1 && npm run lab -- power-on 1
  npm run lab -- down`;

export interface Order {
  readonly verb: string;
  readonly words: readonly string[];
  readonly lab: string;
  readonly release: Release;
  readonly memoryMiB: number | undefined;
  readonly controlPlane: boolean;
  readonly way: Way;
  readonly ms: number | undefined;
  readonly kbit: number | undefined;
  readonly keepClock: boolean;
  readonly text: boolean;
  readonly nightly: boolean;
  readonly stdin: boolean;
}

const OPTIONS = {
  'lab': { type: 'string', default: 'lab' },
  'release': { type: 'string', default: 'trixie' },
  'memory': { type: 'string' },
  'no-control-plane': { type: 'boolean', default: false },
  'one-way': { type: 'string', default: 'both' },
  'ms': { type: 'string' },
  'kbit': { type: 'string' },
  'keep-clock': { type: 'boolean', default: false },
  'text': { type: 'boolean', default: false },
  'nightly': { type: 'boolean', default: false },
  'stdin': { type: 'boolean', default: false },
  'help': { type: 'boolean', short: 'h', default: false },
} as const;

/** Null: help was asked for. Throws Problem. */
export function parseOrder(args: readonly string[]): Order | null {
  const [verb] = args;
  if (verb === undefined || verb === 'help') return null;
  // What follows a host's number is that host's affair, with all its options.
  const ours = verb === 'exec' ? args.slice(0, endOfExec(args)) : args;
  const { values, positionals } = parse(ours);
  if (values.help) return null;
  const rest = args.slice(ours.length);
  return {
    verb,
    words: [...positionals.slice(1), ...(rest[0] === '--' ? rest.slice(1) : rest)],
    lab: values.lab,
    release: oneOf(RELEASES, values.release, '--release'),
    memoryMiB: wholeNumber(values.memory, '--memory'),
    controlPlane: !values['no-control-plane'],
    way: oneOf(WAYS, values['one-way'], '--one-way'),
    ms: wholeNumber(values.ms, '--ms'),
    kbit: wholeNumber(values.kbit, '--kbit'),
    keepClock: values['keep-clock'],
    text: values.text,
    nightly: values.nightly,
    stdin: values.stdin,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new Problem('bad-request', error instanceof Error ? error.message : String(error), { suggestion: 'npm run lab -- --help' });
  }
}

/** The first word that is a number is the host's. */
function endOfExec(args: readonly string[]): number {
  const at = args.findIndex((word) => /^\d+$/.test(word));
  return at === -1 ? args.length : at + 1;
}

export function wholeNumber(text: string | undefined, what: string): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,9}$/.test(text)) throw new Problem('bad-request', `${what}: a whole number, not ${JSON.stringify(text)}`);
  return Number(text);
}

const UNITS: Readonly<Record<string, number>> = { M: 2 ** 20, MiB: 2 ** 20, G: 2 ** 30, GiB: 2 ** 30 };

export function sizeOf(text: string | undefined): number {
  const [, number, unit] = /^(\d{1,6})(M|MiB|G|GiB)$/.exec(text ?? '') ?? [];
  const factor = UNITS[unit ?? ''];
  if (!number || !factor) throw new Problem('bad-request', `a size is a number with M or G, not ${JSON.stringify(text ?? '')}`);
  return Number(number) * factor;
}

function oneOf<T extends string>(known: readonly T[], text: string, what: string): T {
  const found = known.find((word) => word === text);
  if (!found) throw new Problem('bad-request', `${what}: one of ${known.join(', ')}, not ${JSON.stringify(text)}`);
  return found;
}
