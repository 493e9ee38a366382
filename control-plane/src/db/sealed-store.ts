import type { Sealed } from '../vault.ts';

/** A sealed value in the database. */
export interface SealedValue {
  readonly table: string;
  /** Of its row. */
  readonly id: string;
  /** What it was sealed for. */
  readonly context: string;
  readonly sealed: Sealed;
}

export interface SealedStore {
  all(): Promise<readonly SealedValue[]>;
  /** False: there is another value by now, or none. */
  replace(value: SealedValue, next: Sealed): Promise<boolean>;
  /** Which columns, of all that there are, hold something under this key: as "totp.seed". */
  columnsUnder(keyId: string): Promise<readonly string[]>;
}
