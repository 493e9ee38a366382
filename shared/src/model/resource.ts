import { z } from 'zod';
import { ReportedProblem } from '../lib/problem.ts';
import { HostId } from './id.ts';

export const ResourceKind = z.enum(['host', 'storage', 'network', 'image', 'guest', 'task']);
export type ResourceKind = z.infer<typeof ResourceKind>;

/** A guest's id is written in decimal here, so that every reference is a pair of strings. */
export const ResourceRef = z.object({ kind: ResourceKind, id: z.string().regex(/^[a-z0-9_-]{1,48}$/) });
export type ResourceRef = z.infer<typeof ResourceRef>;

/** A tombstone: the resource shall go, and with it exactly what is listed. Confirmed by a status with `gone: true`. */
export const Deletion = z.strictObject({
  requestedAtMs: z.number().int(),
  /** What the agent may destroy: names of disks ("root"), or "files" for an image. Anything not listed is left where it is. */
  destroys: z.array(z.string()),
});
export type Deletion = z.infer<typeof Deletion>;

/** The envelope of everything people edit: a wish, numbered. The spec is parsed by its kind's own schema (`specSchema`). */
export const Resource = z.strictObject({
  kind: ResourceKind,
  id: ResourceRef.shape.id,
  hostId: HostId,
  generation: z.number().int().min(1),
  spec: z.record(z.string(), z.unknown()),
  deletion: Deletion.nullable(),
});
export type Resource = z.infer<typeof Resource>;

/** What an agent is doing about a resource right now, for people who wait. */
export const Activity = z.object({
  /** The step's own words: "building image debian-13". */
  title: z.string(),
  /** 0 to 1 when the agent has a number. */
  progress: z.number().min(0).max(1).nullable(),
  /** "12.4 of 80 MiB", "unpacking libc6". */
  detail: z.string().optional(),
  sinceMs: z.number().int(),
});
export type Activity = z.infer<typeof Activity>;

/** settled: as wished. working: a step runs. waiting: for another resource or for a back-off to pass. needs-attention: given up until the wish changes (still tried hourly). unsupported: this agent does not understand the spec. */
export const Condition = z.enum(['settled', 'working', 'waiting', 'needs-attention', 'unsupported']);
export type Condition = z.infer<typeof Condition>;

/** What an agent says of one resource; whole each time. Read leniently: unknown fields are dropped. */
export const ResourceStatus = z.object({
  ...ResourceRef.shape,
  /** The newest generation the agent has journalled. 0: it knows the thing only by observation (an orphan). */
  acked: z.number().int().min(0),
  /** The newest generation that held when last observed. */
  applied: z.number().int().min(0),
  /** digest({spec, deletion}) of `acked`: the same number with another digest is refused loudly. */
  digest: z.string().optional(),
  condition: Condition,
  activity: Activity.optional(),
  waitingFor: z.string().optional(),
  problem: ReportedProblem.optional(),
  /** Nothing of it is left on this host. */
  gone: z.boolean().default(false),
  /** The kind's own observation: GuestStatus, ImageStatus, TaskStatus…; parsed by its kind's schema. */
  observed: z.record(z.string(), z.unknown()).default({}),
});
export type ResourceStatus = z.infer<typeof ResourceStatus>;

export const refKey = (ref: { readonly kind: ResourceKind; readonly id: string }): string => `${ref.kind}/${ref.id}`;
