/** The host's end of an exec or a console. Bytes come by callback; the consumer slows the source by `pause`. */
export interface Stream {
  onOutput(receive: (channel: 'stdout' | 'stderr', bytes: Uint8Array) => void): void;
  /** Resolves when it ended: the exit code of the command, 0 for a console that was closed. */
  readonly ended: Promise<{ readonly code: number }>;
  /** False when the receiver should wait a little (the source's buffer is full). */
  write(bytes: Uint8Array): boolean;
  endInput(): void;
  resize(columns: number, rows: number): void;
  pause(): void;
  resume(): void;
  /** Ends it: the command is killed, the console closed (the guest itself goes on). */
  close(): void;
}
