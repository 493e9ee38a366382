import { z } from 'zod';

/** Between the benchmark and its processes of agents. */
export const FleetOrder = z.discriminatedUnion('do', [
  z.object({ do: z.literal('connect'), url: z.string() }),
  z.object({ do: z.literal('forget') }),
  z.object({ do: z.literal('change'), index: z.number() }),
  z.object({ do: z.literal('echo'), url: z.string(), clients: z.number() }),
]);
export type FleetOrder = z.infer<typeof FleetOrder>;

export const FleetWord = z.discriminatedUnion('say', [
  z.object({ say: z.literal('counts'), in: z.number(), replies: z.number(), commands: z.number(), failures: z.number() }),
  z.object({ say: z.literal('changed'), guest: z.string(), atMs: z.number() }),
]);
export type FleetWord = z.infer<typeof FleetWord>;
