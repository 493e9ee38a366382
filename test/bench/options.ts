import { parseArgs } from 'node:util';

export const ROW_NAMES = ['P1', 'P2', 'P3', 'P4', 'P5', 'P6', 'P7', 'P8', 'P9', 'P19'] as const;
export type RowName = (typeof ROW_NAMES)[number];

export interface BenchOptions {
  readonly rows: ReadonlySet<RowName>;
  readonly samples: number;
  readonly peers: boolean;
  readonly jsonPath: string | null;
}

export const HELP = `npm run bench: how long things take through Drover, beside the bare tools, in the same run

Needs root, and a machine that does nothing else: then run it twice. It makes a control plane and a host of its own in a
temporary folder, and removes everything at the end, also on Ctrl-C.

  link             fleets of light agents instead, against one control plane: npm run bench -- link --help
  --rows P1,P5     only these rows (P1 to P9, P19); default: all
  --samples N      samples of what is done one at a time; default: 20
  --peers          also measures LXD and libvirt; installs Debian's packages of both where they are missing
  --json FILE      writes every figure to FILE as well

Examples
  npm run bench
  npm run bench -- --rows P1,P2,P3 --samples 50
  npm run bench -- --peers --json figures.json`;

const SAMPLES_MAX = 500;

/** Null: help was asked for. Throws an Error for people. */
export function parseOptions(args: readonly string[]): BenchOptions | null {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rows: { type: 'string' },
      samples: { type: 'string', default: '20' },
      peers: { type: 'boolean', default: false },
      json: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return null;
  const samples = Number(values.samples);
  if (!Number.isInteger(samples) || samples < 1 || samples > SAMPLES_MAX)
    throw new Error(`--samples: a whole number from 1 to ${SAMPLES_MAX}, not ${values.samples}`);
  return { rows: rowsOf(values.rows), samples, peers: values.peers, jsonPath: values.json ?? null };
}

function rowsOf(text: string | undefined): ReadonlySet<RowName> {
  if (text === undefined) return new Set(ROW_NAMES);
  const wanted = text.split(',').map((name) => name.trim().toUpperCase());
  return new Set(
    wanted.map((name) => {
      const known = ROW_NAMES.find((row) => row === name);
      if (!known) throw new Error(`--rows: there is no row ${name}; there are ${ROW_NAMES.join(', ')}`);
      return known;
    }),
  );
}
