import type { Terminal } from '../../cli/src/terminal.ts';

/** A terminal that remembers: for tests. */
export function capture(options: Partial<Omit<Terminal, 'out' | 'err' | 'ask'>> & { answers?: string[]; input?: string } = {}) {
  const written = { out: '', err: '' };
  const { answers = [], input = '', ...given } = options;
  const lines = input.split('\n');
  const terminal: Terminal & { written: typeof written } = {
    isOutTty: false,
    isErrTty: false,
    isInTty: false,
    columns: 80,
    hasColour: false,
    env: {},
    ...given,
    written,
    out: (text) => {
      written.out += text;
    },
    err: (text) => {
      written.err += text;
    },
    ask: async (question) => {
      written.err += question;
      return answers.shift() ?? '';
    },
    askUnseen: async (question) => {
      written.err += question;
      return answers.shift() ?? '';
    },
    inputLine: async () => lines.shift() ?? '',
  };
  return terminal;
}
