import { parseArgs } from 'node:util';
import { type Cell, crashAtEveryStep } from './crashes.ts';
import { strikeEach } from './faults.ts';
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

const QUICK = { steps: 9, operations: 5 };
const ALL = { steps: 1, operations: 1 };

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
  const stride = values.quick && values.operation === undefined ? QUICK : ALL;
  for await (const cell of both(crashAtEveryStep(stride.steps, operations), strikeEach(stride.operations, operations))) {
    cells.push(cell);
    if (!values.verbose && !cell.wrong) continue;
    console.log(`${cell.wrong ? 'RED  ' : 'green'} ${cell.operation}: ${cell.fault}${cell.wrong ? `\n      ${cell.wrong}` : ''}`);
  }
  print(cells);
  const red = cells.filter(({ wrong }) => wrong);
  console.log(`\n${cells.length} cells, ${red.length} red`);
  process.exitCode = red.length > 0 ? 1 : 0;
}

async function* both(...parts: readonly AsyncGenerator<Cell>[]): AsyncGenerator<Cell> {
  for (const part of parts) yield* part;
}

/** A row for each operation: crashes in the order of their steps, then the other faults. */
function print(cells: readonly Cell[]): void {
  const names = [...new Set(cells.map(({ operation }) => operation))];
  const width = Math.max(0, ...names.map((name) => name.length));
  for (const name of names) {
    const marks = (fits: (fault: string) => boolean) =>
      cells
        .filter(({ operation, fault }) => operation === name && fits(fault))
        .map(({ wrong }) => (wrong ? 'X' : '.'))
        .join('');
    const isCrash = (who: string) => (fault: string) => fault.startsWith(`${who} ended`) || fault.startsWith(`${who} step`);
    const isOther = (fault: string) => !isCrash('agent')(fault) && !isCrash('control plane')(fault);
    console.log(
      `${name.padEnd(width)}  agent dies ${marks(isCrash('agent'))}  control plane dies ${marks(isCrash('control plane'))}  other faults ${marks(isOther)}`,
    );
  }
  console.log('. as it must be   X red');
}

await main();
