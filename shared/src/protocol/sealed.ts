import { z } from 'zod';
import { HostId } from '../model/id.ts';

/** Of an X25519 key: what is secret and meant for one host alone is sealed to it. A host tells its own in each connect request. */
export const SealingKey = z.string().regex(/^[A-Za-z0-9_-]{43}$/);
export type SealingKey = z.infer<typeof SealingKey>;

/**
 * A compact JWE to a host's sealing key, which only that host can open. It says nothing of who made it: it is believed because it comes
 * within a command that the control plane has signed.
 */
export const SealedForHost = z
  .string()
  .max(256 * 2 ** 10)
  .regex(/^[A-Za-z0-9_-]+\.\.[A-Za-z0-9_-]{16}\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]{22}$/);
export type SealedForHost = z.infer<typeof SealedForHost>;

/** In the clear, and bound to what is sealed. */
export const SealedHeader = z.object({
  alg: z.literal('ECDH-ES'),
  enc: z.literal('A256GCM'),
  typ: z.literal('drover-sealed'),
  host: HostId,
  /** The one place that it is meant for, as "guest 107 userData": what was sealed for another is refused. */
  context: z.string().min(1).max(200),
});
export type SealedHeader = z.infer<typeof SealedHeader>;
