import type { Cell } from './cell.ts';

/** Operations side by side, a line for each fault; for what dies at each step, a mark for each step and a line for each operation. */
export function printTable(cells: readonly Cell[]): void {
  const operations = [...new Set(cells.map(({ operation }) => operation))];
  const columns = [...new Set(cells.map(({ column }) => column))];
  const marksOf = (column: string, operation: string): string =>
    cells
      .filter((cell) => cell.column === column && cell.operation === operation)
      .map(({ wrong }) => (wrong ? 'X' : '.'))
      .join('');
  const isSweep = (column: string): boolean => /\bdies\b/.test(column);
  for (const column of columns.filter(isSweep)) {
    console.log(`\n${column}`);
    for (const operation of operations) {
      const marks = marksOf(column, operation);
      if (marks) console.log(`  ${operation.padEnd(24)}${marks}`);
    }
  }
  const others = columns.filter((column) => !isSweep(column));
  if (others.length > 0) console.log('');
  for (const [index, operation] of (others.length > 0 ? operations : []).entries()) console.log(`${'│ '.repeat(index)}┌ ${operation}`);
  for (const column of others) console.log(`${operations.map((operation) => marksOf(column, operation) || ' ').join(' ')}  ${column}`);
  console.log('\n. as it must be   X red');
}
