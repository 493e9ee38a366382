import { z } from 'zod';
import { NAMES_SOMEBODY, namesNobody } from './address.ts';

/** A cell is one broker and the hosts on it. */
export const CellName = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/, 'lower-case letters, digits and dashes, at most 32')
  .refine((name) => name !== 'check', 'that name is for drover broker check');

export const CellProfile = z.enum(['embedded', 'mosquitto', 'nats', 'jwt']);
export type CellProfile = z.infer<typeof CellProfile>;

const BrokerUrl = z
  .url({ protocol: /^(mqtts?|wss?)$/, error: 'not an address like mqtts://mqtt.example.org:8883' })
  .max(300)
  .refine(namesNobody, NAMES_SOMEBODY);

export const CreateCell = z.strictObject({
  name: CellName,
  profile: CellProfile.exclude(['embedded']),
  /** Where agents reach the broker, in the order to be tried. */
  urls: z.array(BrokerUrl).min(1).max(8),
  /** Where the control plane reaches it; absent: at the first of urls. */
  ownUrl: BrokerUrl.optional(),
  /** NATS only: where it takes its own protocol. */
  adminUrl: z
    .url({ protocol: /^(nats|tls)$/, error: 'not an address like tls://nats.example.org:4222' })
    .max(300)
    .refine(namesNobody, NAMES_SOMEBODY)
    .optional(),
  /** Whose certificate the broker shows: one that Drover makes for it, or one by a public authority. */
  serverCertificate: z.enum(['fleet', 'public']).default('fleet'),
});
export type CreateCell = z.infer<typeof CreateCell>;

export const DrainCell = z.strictObject({ draining: z.boolean().default(true) });
export const MoveHost = z.strictObject({ cell: CellName });

export const CellView = z.object({
  name: z.string(),
  profile: CellProfile,
  urls: z.array(z.string()),
  /** No new hosts; those that are there are moved to others. */
  draining: z.boolean(),
  hosts: z.number().int(),
  connectedHosts: z.number().int(),
  /** Does the control plane reach its broker? Hosts come to no other. */
  reached: z.boolean(),
  /** Is it the one that answers this which looks after the cell? */
  served: z.boolean(),
  createdAtMs: z.number().int(),
});
export type CellView = z.infer<typeof CellView>;
export const CellsView = z.object({ items: z.array(CellView) });

/** To set a broker up with: name to content. */
export const CellFilesView = z.object({ files: z.record(z.string(), z.string()) });

const LoginView = z.object({
  username: z.string(),
  clientId: z.string(),
  password: z.string().optional(),
  certificate: z.string().optional(),
  key: z.string().optional(),
  authority: z.string().optional(),
  subQos: z.union([z.literal(0), z.literal(1)]),
});
/** What a check of the broker connects with: a host that does not exist, and one who may use the topics of the cell `check` alone. */
export const CheckLoginsView = z.object({ url: z.string(), host: LoginView, checker: LoginView });
export type CheckLogins = z.infer<typeof CheckLoginsView>;
