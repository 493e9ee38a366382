import type { Settings } from '../node/settings.ts';

/** What somebody with a shell on the control plane's machine can have it do, instead of running it. */
export interface Command {
  /** As in "vault rotate". */
  readonly words: string;
  readonly summary: string;
  /** `rest`: what was typed behind the words. Throws Problem. */
  run(settings: Settings, rest: readonly string[], say: (line: string) => void): Promise<void>;
}
