/** Tells whoever waits what goes on. */
export type Say = (line: string) => void;
