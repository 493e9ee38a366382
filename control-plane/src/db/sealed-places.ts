/** A column of sealed values, the column that names the row, and what the value of a row is sealed for: a value that was moved does not open. */
export interface SealedPlace {
  readonly table: string;
  readonly column: string;
  readonly id: string;
  context(id: string): string;
}

/** Every column that holds sealed values is here: by this list they are put under another key. */
export const SEALED_PLACES = {
  totpSeed: { table: 'totp', column: 'seed', id: 'user_id', context: (id) => `totp/${id}` },
  directorySecrets: { table: 'directory', column: 'secrets', id: 'id', context: (id) => `directory/${id}` },
} as const satisfies Readonly<Record<string, SealedPlace>>;
