import type { Terminal } from './terminal.ts';

export interface Column<T> {
  readonly title: string;
  readonly value: (row: T) => string;
  readonly align?: 'left' | 'right';
  /** Gives way first when the terminal is narrow. */
  readonly shrinks?: boolean;
  readonly colour?: (row: T) => Colour | null;
}

const COLOURS = { red: 31, green: 32, yellow: 33, blue: 34, grey: 90, bold: 1 } as const;
export type Colour = keyof typeof COLOURS;

const GAP = '  ';
const SHRUNK_MIN = 8;

/** Rows under headings, as wide as they need; on a terminal no wider than it is. */
export function table<T>(terminal: Terminal, rows: readonly T[], columns: readonly Column<T>[]): string {
  const cells = rows.map((row) => columns.map((column) => clean(column.value(row))));
  const widths = columns.map((column, index) => Math.max(width(column.title), ...cells.map((line) => width(line[index] ?? ''))));
  if (terminal.isOutTty) fit(widths, columns, terminal.columns);
  const line = (texts: readonly string[], paint: (text: string, index: number) => string) =>
    columns
      .map((column, index) => {
        const shown = cut(texts[index] ?? '', widths[index] ?? 0);
        const space = ' '.repeat(Math.max(0, (widths[index] ?? 0) - width(shown)));
        const painted = paint(shown, index);
        return column.align === 'right' ? space + painted : painted + space;
      })
      .join(GAP)
      .trimEnd();
  const head = line(
    columns.map((column) => column.title),
    (text) => colour(terminal, 'bold', text),
  );
  const body = rows.map((row, rowIndex) =>
    line(cells[rowIndex] ?? [], (text, index) => colour(terminal, columns[index]?.colour?.(row) ?? null, text)),
  );
  return `${[head, ...body].join('\n')}\n`;
}

/** Name and value, one per line; absent ones are left out. */
export function facts(terminal: Terminal, pairs: readonly (readonly [name: string, value: string | null])[]): string {
  const shown = pairs.flatMap(([name, value]) => (value === null || value === '' ? [] : [[name, value] as const]));
  const nameWidth = Math.max(0, ...shown.map(([name]) => width(name)));
  return shown
    .map(([name, value]) => {
      const [first = '', ...rest] = value.split('\n');
      const indent = ' '.repeat(nameWidth + GAP.length);
      const more = rest.map((text) => `${indent}${clean(text)}\n`).join('');
      return `${colour(terminal, 'grey', name.padEnd(nameWidth))}${GAP}${clean(first)}\n${more}`;
    })
    .join('');
}

export const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

export function colour(terminal: Terminal, name: Colour | null, text: string): string {
  return name === null || !terminal.hasColour || text === '' ? text : `\u001b[${COLOURS[name]}m${text}\u001b[0m`;
}

export function colourOfState(state: string): Colour | null {
  if (/^(running|done|connected|ready)$/.test(state)) return 'green';
  if (/^(failed|away|deleting|silent|not progressing|clone suspected|revoked)$/.test(state)) return 'red';
  if (/^(creating|starting|stopping|queued|unknown|cancelled|fetching|waiting|never heard|agent too (old|new)|clock off)$/.test(state))
    return 'yellow';
  return null;
}

/** What a guest or an image wrote must not move the cursor or end the line. */
export function clean(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]/gu, ' ');
}

/** Cells that a text takes on a terminal: wide for CJK and emoji, none for marks. */
export function width(text: string): number {
  let cells = 0;
  for (const character of text) {
    if (/\p{Mn}|\p{Me}|\p{Cf}/u.test(character)) continue;
    cells += /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u.test(
      character,
    )
      ? 2
      : 1;
  }
  return cells;
}

export function cut(text: string, cellsMax: number): string {
  if (width(text) <= cellsMax) return text;
  let shown = '';
  for (const character of text) {
    if (width(shown + character) > cellsMax - 1) break;
    shown += character;
  }
  return `${shown}…`;
}

function fit<T>(widths: number[], columns: readonly Column<T>[], columnsMax: number): void {
  const total = () => widths.reduce((sum, cells) => sum + cells, 0) + GAP.length * (widths.length - 1);
  while (total() > columnsMax) {
    const candidates = columns.flatMap((column, index) => (column.shrinks && (widths[index] ?? 0) > SHRUNK_MIN ? [index] : []));
    const widest = candidates.sort((a, b) => (widths[b] ?? 0) - (widths[a] ?? 0))[0];
    if (widest === undefined) return;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
}
