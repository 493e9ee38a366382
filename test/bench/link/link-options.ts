import { parseArgs } from 'node:util';
import { BROKERS, type BrokerName } from './cell-plan.ts';

export const LINK_ROWS = ['P10', 'P11', 'P12', 'P17', 'P18', 'herd'] as const;
export type LinkRow = (typeof LINK_ROWS)[number];

export interface LinkOptions {
  readonly rows: ReadonlySet<LinkRow>;
  readonly hosts: readonly number[];
  readonly guestsPerHost: number;
  readonly broker: BrokerName;
  readonly jsonPath: string | null;
}

export const LINK_HELP = `npm run bench -- link: fleets of light agents against one control plane, beside the bare broker and the bare database

Needs no root. Everything is made in a temporary folder and removed at the end, also on Ctrl-C.

  --rows P10,herd       only these rows (P10, P11, P12, P17, P18, herd); default: all
  --hosts 1000,10000    sizes of fleet, one after the other; default: 1000,10000
  --guests 10           guests on each host; default: 1
  --broker mosquitto    hosts on a Mosquitto with certificates, not on the control plane's embedded broker; needs the package mosquitto
  --json FILE           writes every figure to FILE as well

Examples
  npm run bench -- link --hosts 1000
  npm run bench -- link --hosts 1000 --broker mosquitto
  npm run bench -- link --hosts 10000 --guests 10 --rows P18,herd
  npm run bench -- link --hosts 30000 --rows P18

Where the system lets a process have fewer files than there are hosts (ulimit -Hn), those that the embedded broker cannot take are on
Mosquittos, as many as they need: 30,000 hosts need a limit of 31,000.`;

/** Null: help was asked for. Throws an Error for people. */
export function parseLinkOptions(args: readonly string[]): LinkOptions | null {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rows: { type: 'string', default: LINK_ROWS.join(',') },
      hosts: { type: 'string', default: '1000,10000' },
      guests: { type: 'string', default: '1' },
      broker: { type: 'string', default: 'embedded' },
      json: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return null;
  return {
    rows: new Set(values.rows.split(',').map((name) => known('--rows', LINK_ROWS, name))),
    hosts: values.hosts.split(',').map((text) => count('--hosts', text, 40_000)),
    guestsPerHost: count('--guests', values.guests, 100),
    broker: known('--broker', BROKERS, values.broker),
    jsonPath: values.json ?? null,
  };
}

function known<T extends string>(option: string, names: readonly T[], text: string): T {
  const found = names.find((name) => name.toLowerCase() === text.trim().toLowerCase());
  if (!found) throw new Error(`${option}: there is no ${text}; there are ${names.join(', ')}`);
  return found;
}

function count(option: string, text: string, max: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > max) throw new Error(`${option}: a whole number from 1 to ${max}, not ${text}`);
  return value;
}
