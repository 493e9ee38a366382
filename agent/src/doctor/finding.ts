/** ok: as it should be. note: it works, and somebody may want to know. no: something that a host needs is wrong. */
export type Verdict = 'ok' | 'note' | 'no';

export interface Finding {
  readonly verdict: Verdict;
  /** What was looked at, and how it is: "drover-agent.service runs". */
  readonly text: string;
  /** What to do about it. */
  readonly fix?: string;
}

export const ok = (text: string): Finding => ({ verdict: 'ok', text });
export const note = (text: string, fix?: string): Finding => ({ verdict: 'note', text, ...(fix === undefined ? {} : { fix }) });
export const no = (text: string, fix?: string): Finding => ({ verdict: 'no', text, ...(fix === undefined ? {} : { fix }) });
