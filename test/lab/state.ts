import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Problem, problemOfInput } from '@drover/shared/lib/problem';
import { z } from 'zod';
import { writeFileDurably } from '../../agent/src/host/durable-file.ts';
import { Supervised } from '../../agent/src/host/supervise.ts';

/** What a lab is, in files, so that another process can go on with it: one for the lab, one for each host. */

export const WAYS = ['both', 'in', 'out'] as const;
/** Which way nothing passes: into the host, out of it, or both. */
export type Way = (typeof WAYS)[number];

export const DiskRecord = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9]{0,15}$/),
  path: z.string(),
  socketPath: z.string(),
  format: z.enum(['qcow2', 'raw']),
  /** The process that stands for the disk's volatile cache. */
  store: Supervised.nullable(),
});
export type DiskRecord = z.infer<typeof DiskRecord>;

export const HostRecord = z.strictObject({
  number: z.number().int().min(1).max(9),
  name: z.string(),
  uuid: z.uuid(),
  machineId: z.string().regex(/^[0-9a-f]{32}$/),
  mac: z.string(),
  address: z.ipv4(),
  tap: z.string(),
  qemu: Supervised.nullable(),
  /** The first is the one it boots from. */
  disks: z.array(DiskRecord),
  cut: z.enum(WAYS).nullable(),
  kbit: z.number().int().nullable(),
});
export type HostRecord = z.infer<typeof HostRecord>;

export const LabRecord = z.strictObject({
  name: z.string(),
  /** The third number of its addresses, and in the names of its devices. */
  subnet: z.number().int(),
  release: z.enum(['trixie', 'bookworm']),
  memoryMiB: z.number().int(),
  hosts: z.number().int(),
  /** Did this machine forward packets before? */
  forwardedBefore: z.boolean(),
  controlPlane: z.strictObject({ process: Supervised, url: z.string() }).nullable(),
});
export type LabRecord = z.infer<typeof LabRecord>;

const NAME = /^[a-z][a-z0-9-]{0,15}$/;

/** Short, as the sockets in it have at most 107 characters; not on a tmpfs, as disks are in it. */
export function labFolder(name: string): string {
  if (!NAME.test(name))
    throw new Problem('bad-request', `${JSON.stringify(name)} is no name for a lab`, {
      suggestion: 'a small letter, then at most 15 small letters, digits and hyphens',
    });
  return join(process.env.DROVER_LAB_RUN || '/var/tmp/drover-lab', name);
}

export const hostFolder = (name: string, number: number): string => join(labFolder(name), String(number));
const labPath = (name: string) => join(labFolder(name), 'lab.json');
const hostPath = (name: string, number: number) => join(hostFolder(name, number), 'host.json');

export const hasLab = (name: string): boolean => existsSync(labPath(name));

export function readLab(name: string): LabRecord {
  if (!hasLab(name))
    throw new Problem('not-found', `there is no lab ${name}`, { suggestion: 'npm run lab -- up 3 starts one with three hosts' });
  return read(labPath(name), LabRecord);
}

export function readHost(name: string, number: number): HostRecord {
  if (!existsSync(hostPath(name, number)))
    throw new Problem('not-found', `the lab has no host ${number}`, { suggestion: 'npm run lab -- list shows which there are' });
  return read(hostPath(name, number), HostRecord);
}

export const writeLab = (record: LabRecord): void => write(labPath(record.name), record);
export const writeHost = (lab: string, record: HostRecord): void => write(hostPath(lab, record.number), record);

function read<T>(path: string, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(JSON.parse(readFileSync(path, 'utf8')));
  if (!parsed.success) throw problemOfInput(parsed.error, path);
  return parsed.data;
}

const write = (path: string, record: unknown): void => writeFileDurably(path, `${JSON.stringify(record, null, 2)}\n`, { flush: false });
