/** For the operator: one line. */
export type Log = (line: string) => void;

/** What is to be known of an error that was not expected. A query builder says with which values its statement failed: those are nobody's business. */
export const traceOf = (thrown: unknown): string =>
  (thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)).replace(
    /^params: .*?(?=^\s+at |(?![\s\S]))/ms,
    'params: not shown\n',
  );
