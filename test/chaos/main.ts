import { parseArgs } from 'node:util';
import { type Cell, crashAtEveryStep } from './crashes.ts';
import { OPERATIONS } from './operations.ts';

const HELP = `npm run chaos -- [--quick] [--operation NAME] [--verbose]

Real agents and control planes, killed and cut at every step of everything people do; simulated guests.
Prints a cell for each fault and fails when one is red.

  --quick            a part of it, as continuous integration runs it
  --operation NAME   only this operation: ${OPERATIONS.map(({ name }) => `"${name}"`).join(', ')}
  --verbose          a line for each cell

Examples
  npm run chaos -- --quick
  npm run chaos -- --operation start --verbose`;

const QUICK_STRIDE = 9;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      operation: { type: 'string' },
      verbose: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return console.log(HELP);
  const operations = OPERATIONS.filter(({ name }) => values.operation === undefined || name === values.operation);
  if (operations.length === 0) throw new Error(`there is no operation "${values.operation}"\n\n${HELP}`);
  const cells: Cell[] = [];
  for await (const cell of crashAtEveryStep(values.quick ? QUICK_STRIDE : 1, operations)) {
    cells.push(cell);
    if (values.verbose || cell.wrong)
      console.log(`${cell.wrong ? 'RED  ' : 'green'} ${cell.operation}: ${cell.fault}${cell.wrong ? `\n      ${cell.wrong}` : ''}`);
  }
  print(cells);
  const red = cells.filter(({ wrong }) => wrong);
  console.log(`\n${cells.length} cells, ${red.length} red`);
  process.exitCode = red.length > 0 ? 1 : 0;
}

/** A row for each operation: green cells as dots, red ones as X, in the order of the steps. */
function print(cells: readonly Cell[]): void {
  const names = [...new Set(cells.map(({ operation }) => operation))];
  const width = Math.max(0, ...names.map((name) => name.length));
  for (const name of names) {
    const marks = (who: string) =>
      cells
        .filter(({ operation, fault }) => operation === name && fault.startsWith(who))
        .map(({ wrong }) => (wrong ? 'X' : '.'))
        .join('');
    console.log(`${name.padEnd(width)}  agent ${marks('agent')}  control plane ${marks('control plane')}`);
  }
}

await main();
