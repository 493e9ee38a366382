import { z } from 'zod';
import { Tag } from './guest.ts';

/** What a driver says of itself: the control plane and the page know no driver by name. */
export const DriverDescription = z.object({
  port: z.enum(['guest', 'storage', 'network']),
  name: z.string(),
  title: z.string(),
  usable: z.boolean(),
  /** Why it is not usable, or works only in part: "no KVM: /proc/cpuinfo shows neither vmx nor svm; guests are emulated (TCG)". */
  reason: z.string().optional(),
  version: z.string().optional(),
  /** JSON Schema of its settings. */
  configSchema: z.record(z.string(), z.unknown()).optional(),
  /** What it can do. A guest driver says here which type of guest it runs, usable or not: `type: 'vm'`. */
  capabilities: z.record(z.string(), z.union([z.boolean(), z.string(), z.number()])).default({}),
});
export type DriverDescription = z.infer<typeof DriverDescription>;

export const Machine = z.object({
  vendor: z.string().optional(),
  product: z.string().optional(),
  /** "server", "laptop". */
  chassis: z.string().optional(),
  /** What it runs on when it is itself a virtual machine ("kvm") or a container ("lxc"); null: neither. */
  virtual: z.string().nullable().optional(),
});
export type Machine = z.infer<typeof Machine>;

export const Processor = z.object({
  vendor: z.string().optional(),
  sockets: z.number().int().optional(),
  /** Of all sockets together. */
  cores: z.number().int().optional(),
  threads: z.number().int(),
  /** null: none, or switched off in its firmware. */
  virtualization: z.enum(['vmx', 'svm']).nullable(),
  microcode: z.string().optional(),
});
export type Processor = z.infer<typeof Processor>;

export const Kvm = z.object({ usable: z.boolean(), reason: z.string().optional() });
export type Kvm = z.infer<typeof Kvm>;

/** Of Debian: "13", "trixie". */
export const Release = z.object({ version: z.string(), codename: z.string().optional() });
export type Release = z.infer<typeof Release>;

export const InstalledPackage = z.object({ name: z.string(), version: z.string() });
export type InstalledPackage = z.infer<typeof InstalledPackage>;

export const Inventory = z.object({
  hostname: z.string(),
  agentVersion: z.string(),
  /** The first twelve hex digits of the SHA-256 of the agent's program: tells two of one version apart. */
  agentBuild: z.string().max(64).optional(),
  /** Why this agent cannot be upgraded from the control plane; absent: it can. */
  upgradeBlocked: z.string().max(500).optional(),
  os: z.string(),
  kernel: z.string(),
  architecture: z.string(),
  cpuModel: z.string(),
  cores: z.number().int(),
  memoryBytes: z.number().int(),
  /** The kernel's own boot id: changes with each boot of the host. */
  bootId: z.string(),
  addresses: z.array(z.string()).default([]),
  /** Networks that this host already reaches (CIDR), so that a NAT network can avoid them. */
  routes: z.array(z.string()).default([]),
  drivers: z.array(DriverDescription).default([]),
  /** Where the host's owner lets Drover keep guests and what it calls its bridge: the settings of the default storage and network. */
  defaults: z.object({ storagePath: z.string(), bridge: z.string() }),
  // What follows, agents of before do not say, and later ones perhaps otherwise; nor is anything said that could not be learnt.
  machine: Machine.optional().catch(undefined),
  processor: Processor.optional().catch(undefined),
  /** Can guests be run by KVM, and if not, why not? */
  kvm: Kvm.optional().catch(undefined),
  release: Release.optional().catch(undefined),
  /** Those that matter to guests, of what is installed. */
  packages: z.array(InstalledPackage).optional().catch(undefined),
  /** Of the long lists (hardware.ts), which are sent to whoever does not know it. */
  hardwareDigest: z.string().max(64).optional(),
  /** Somebody told the agent, on the host itself, to leave guests, storages and networks alone: why, and since when. */
  paused: z
    .object({ reason: z.string().max(500), sinceMs: z.number().int() })
    .optional()
    .catch(undefined),
});
export type Inventory = z.infer<typeof Inventory>;

/**
 * What people wish of a host as a whole. Its id is the host's own. There is none until somebody sets something: so an agent of before,
 * which knows no such kind, is not bothered, and each field that is absent means its default.
 */
export const HostSpec = z.strictObject({
  tags: z.array(Tag).max(32).optional(),
  notes: z.string().max(16_384).optional(),
  /** Where it stands, in its owner's words: "rack 4, Frankfurt". */
  location: z.string().max(200).optional(),
  /** Seconds after the host has booted before its guests are started by themselves: until then a storage elsewhere may not be there yet. */
  startDelayS: z.number().int().min(0).max(3_600).optional(),
  /** No new guest is placed here. Those that are here stay as they are. */
  maintenance: z.boolean().optional(),
});
export type HostSpec = z.infer<typeof HostSpec>;

/** Nothing to observe of settings: that they are acknowledged is all. */
export const HostStatus = z.object({});
