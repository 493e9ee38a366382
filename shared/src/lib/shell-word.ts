/** One word of a command that a person shall copy into a shell. */
export const shellWord = (word: string): string => (/^[A-Za-z0-9_./:@=+,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);
