import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Cell, fill, type Trial } from './cell.ts';
import { inFleets } from './fleets.ts';
import { quickTrials, trialsOf } from './matrix.ts';
import { OPERATIONS } from './operations.ts';
import { printTable } from './table.ts';

const HELP = `npm run chaos -- [--quick] [--operation NAME] [--fault PATTERN] [--fleets N] [--verbose]

Real agents, control planes and brokers, killed and cut at every step of everything people do; simulated guests.
Prints a cell for each fault and fails when one is red.

  --quick            a part of it, as continuous integration runs it
  --operation NAME   only this operation: ${OPERATIONS.map(({ name }) => `"${name}"`).join(', ')}
  --fault PATTERN    only faults whose name fits this regular expression
  --fleets N         so many at once; 3 unless told
  --json FILE        writes every cell there as well
  --verbose          a line for each cell

Examples
  npm run chaos -- --quick
  npm run chaos -- --operation start --verbose
  npm run chaos -- --fault "old journal"`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      operation: { type: 'string' },
      fault: { type: 'string', default: '' },
      fleets: { type: 'string', default: '3' },
      json: { type: 'string' },
      verbose: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return console.log(HELP);
  const beganAtMs = Date.now();
  const fleets = Number(values.fleets);
  const fault = new RegExp(values.fault);
  const operations = OPERATIONS.filter(({ name }) => values.operation === undefined || name === values.operation);
  const isWanted = ({ operation, column }: Pick<Trial, 'operation' | 'column'>) => operations.includes(operation) && fault.test(column);
  const trials = (values.quick ? quickTrials() : await trialsOf(isWanted, fleets)).filter(isWanted);
  if (trials.length === 0) throw new Error(`nothing is called that\n\n${HELP}`);
  const errands = trials.map((trial) => ({ broker: trial.broker, run: (fleet: Parameters<typeof fill>[1]) => fill(trial, fleet) }));
  const cells = await inFleets(errands, fleets, (cell: Cell) => {
    if (!values.verbose && !cell.wrong) return;
    const took = `${(cell.tookMs / 1_000).toFixed(1)} s`;
    console.log(`${cell.wrong ? 'RED  ' : 'green'} ${cell.operation}: ${cell.fault} (${took})${cell.wrong ? `\n      ${cell.wrong}` : ''}`);
  });
  printTable(cells);
  const red = cells.filter(({ wrong }) => wrong).length;
  if (values.json) writeFileSync(values.json, JSON.stringify({ passed: cells.length - red, failed: red, cells }));
  console.log(`\n${cells.length - red} cells as they must be, ${red} red, in ${Math.round((Date.now() - beganAtMs) / 1_000)} s`);
  process.exitCode = red > 0 ? 1 : 0;
}

await main();
