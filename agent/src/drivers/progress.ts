/** How a step that takes long tells how far it is. Both may be called at any rate: the reconciler throttles. */
export interface Progress {
  /** `fraction` is 0 to 1, or null without a number; `detail` in words: "12.4 of 80 MiB". */
  report(fraction: number | null, detail?: string): void;
  /** One line for the log of the task that waits. */
  log(line: string): void;
}

export const silentProgress: Progress = { report() {}, log() {} };
