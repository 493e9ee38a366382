import { z } from 'zod';
import { PoolPath, RoleName } from '../model/access.ts';
import { ContainerSpec, SshKey, Tag, VmSpec } from '../model/guest.ts';
import { HostSpec } from '../model/host.ts';
import { ImageName, Name } from '../model/id.ts';
import { ImageForm, ImageFormat, ImageSource, Sha256 } from '../model/image.ts';
import { ResourceKind } from '../model/resource.ts';
import { NAMES_SOMEBODY, namesNobody } from './address.ts';

/** What the API accepts. Strict: an unknown field is refused by name, never ignored. */

const shared = {
  name: Name,
  /** A host's name or id; left out, the control plane places the guest. */
  host: z.string().min(1).max(64).optional(),
  /** The pool that it shall be in. */
  pool: PoolPath.optional(),
  /** An image's name or id. A name from the catalogue that is not on the host yet is fetched first, as part of the same task. */
  image: z.string().min(1).max(64).optional(),
  memoryBytes: ContainerSpec.shape.memoryBytes.optional(),
  cores: ContainerSpec.shape.cores.optional(),
  /** The root disk. */
  diskBytes: ContainerSpec.shape.disks.element.shape.sizeBytes.optional(),
  tags: z.array(Tag).max(32).optional(),
  notes: ContainerSpec.shape.notes.optional(),
  startAtBoot: z.boolean().optional(),
  sshKeys: z.array(SshKey).max(32).optional(),
  /** Start it once it is made. */
  start: z.boolean().optional(),
};

export const CreateGuest = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('container'),
    ...shared,
    image: z.string().min(1).max(64),
    swapBytes: ContainerSpec.shape.swapBytes.optional(),
    processesMax: ContainerSpec.shape.processesMax.optional(),
    unprivileged: z.boolean().optional(),
  }),
  z.strictObject({
    type: z.literal('vm'),
    ...shared,
    firmware: VmSpec.shape.firmware.optional(),
    /** An uploaded ISO's name or id for the CD drive. Without `image` the root disk is empty. */
    cdrom: z.string().min(1).max(64).optional(),
  }),
]);
export type CreateGuest = z.infer<typeof CreateGuest>;

export const EditGuest = z.strictObject({
  name: Name.optional(),
  tags: shared.tags,
  notes: shared.notes,
  memoryBytes: shared.memoryBytes,
  cores: shared.cores,
  startAtBoot: z.boolean().optional(),
  /** Null: after all guests that have a number. */
  startOrder: ContainerSpec.shape.startOrder.unwrap().nullable().optional(),
  startDelayS: ContainerSpec.shape.startDelayS,
  shutdownTimeoutS: ContainerSpec.shape.shutdownTimeoutS,
  /** Containers only. */
  swapBytes: ContainerSpec.shape.swapBytes.optional(),
  processesMax: ContainerSpec.shape.processesMax.optional(),
});
export type EditGuest = z.infer<typeof EditGuest>;

/** Each by its name or id. */
export const PowerGuests = z.strictObject({ guests: z.array(z.string().min(1).max(64)).min(1).max(1_000) });
export type PowerGuests = z.infer<typeof PowerGuests>;

export const ExecGuest = z.strictObject({ command: z.array(z.string().max(65_536)).min(1).max(256), tty: z.boolean().default(false) });
export type ExecGuest = z.input<typeof ExecGuest>;

export const CreateImage = z.strictObject({
  name: ImageName,
  form: ImageForm,
  host: shared.host,
  /** Left out, the catalogue's entry of that name. */
  source: z
    .discriminatedUnion('do', [ImageSource.options[0], ImageSource.options[1]])
    .refine((source) => source.do !== 'download' || namesNobody(source.url), { error: NAMES_SOMEBODY, path: ['url'] })
    .optional(),
});
export type CreateImage = z.infer<typeof CreateImage>;

/** Query of POST /images/upload; the body is the file itself. `sha256`, when given, is what must arrive. */
export const UploadImage = z.strictObject({
  name: ImageName,
  form: ImageForm,
  format: ImageFormat,
  host: shared.host,
  sha256: Sha256.optional(),
});
export type UploadImage = z.infer<typeof UploadImage>;

export const EditHost = z.strictObject({
  name: Name.optional(),
  tags: z.array(Tag).max(32).optional(),
  notes: HostSpec.shape.notes,
  /** Where it stands: "rack 4, Frankfurt". */
  location: HostSpec.shape.location,
  /** Seconds after the host has booted before its guests are started by themselves. */
  startDelayS: HostSpec.shape.startDelayS,
  /** No new guest is placed there. Those that are there stay as they are. */
  maintenance: z.boolean().optional(),
});
export type EditHost = z.infer<typeof EditHost>;

export const ReplaceHost = z.strictObject({
  /** The host that takes its place: its name or id. It has no guests. */
  with: z.string().min(1).max(64),
  /** Start those guests again that were wished running. */
  start: z.boolean().default(false),
  /** Say what would become of each thing, and change nothing. */
  dryRun: z.boolean().default(false),
});
export type ReplaceHost = z.input<typeof ReplaceHost>;

export const CreateEnrolment = z.strictObject({ name: Name.optional() });
export type CreateEnrolment = z.infer<typeof CreateEnrolment>;

/** `role`: granted on everything; left out, nothing is granted yet. */
export const CreateUser = z.strictObject({
  name: Name,
  role: RoleName.optional(),
  /** How long the invitation is good for. */
  linkDays: z.number().int().min(1).max(30).optional(),
});
export type CreateUser = z.infer<typeof CreateUser>;

/** `role`: what it shall have on everything, and nothing else, within what its user has. Without one it may do all that its user may, or, with `ownGrantsOnly`, what is granted to it afterwards. */
export const CreateToken = z.strictObject({
  name: Name,
  role: RoleName.optional(),
  ownGrantsOnly: z.boolean().optional(),
  expiresAtMs: z.number().int().min(0).optional(),
});
export type CreateToken = z.infer<typeof CreateToken>;

const paging = { limit: z.coerce.number().int().min(1).max(1_000).default(100), after: z.string().max(200).optional() };

export const ListGuests = z.strictObject({
  ...paging,
  /** Free words, all of which must occur in the name, id, a tag or an address. */
  search: z.string().max(200).optional(),
  name: z.string().max(64).optional(),
  tag: z.string().max(40).optional(),
  type: z.enum(['container', 'vm']).optional(),
  host: z.string().max(64).optional(),
  state: z.enum(['running', 'stopped']).optional(),
});
export type ListGuests = z.infer<typeof ListGuests>;

export const ListTasks = z.strictObject({
  ...paging,
  state: z.enum(['active', 'finished']).optional(),
  /** Of what kind the target is. */
  kind: ResourceKind.optional(),
  target: z.string().max(64).optional(),
});
export type ListTasks = z.infer<typeof ListTasks>;

/** For lists that have no filter of their own. */
export const ListAll = z.strictObject({ ...paging, name: z.string().max(64).optional() });
export type ListAll = z.infer<typeof ListAll>;

export const ListHosts = z.strictObject({ ...paging, name: z.string().max(64).optional(), tag: z.string().max(40).optional() });
export type ListHosts = z.infer<typeof ListHosts>;

/** GET /tasks/{task}/log. */
export const ReadTaskLog = z.strictObject({
  after: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(5_000).default(1_000),
});
export type ReadTaskLog = z.infer<typeof ReadTaskLog>;
