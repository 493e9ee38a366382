/** For the operator: one line. */
export type Log = (line: string) => void;
