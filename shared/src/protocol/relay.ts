import { z } from 'zod';

/**
 * What travels through a relay, between the person's side and the host's side of an exec or a console.
 * Binary frames: the first byte says what the rest is. Text frames: JSON control messages.
 */
export const STREAM = { stdin: 0, stdout: 1, stderr: 2 } as const;

export const RelayControl = z.discriminatedUnion('do', [
  /** Person's side: the window changed. */
  z.object({ do: z.literal('resize'), columns: z.number().int().min(1).max(1_000), rows: z.number().int().min(1).max(1_000) }),
  /** Person's side: no more input. */
  z.object({ do: z.literal('stdin-end') }),
  /** Host's side: the command ended. The last frame. */
  z.object({ do: z.literal('exit'), code: z.number().int() }),
  /** Host's side: it could not be run. The last frame. */
  z.object({ do: z.literal('failed'), detail: z.string() }),
]);
export type RelayControl = z.infer<typeof RelayControl>;
