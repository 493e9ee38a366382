import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { type GuestSpec, GuestSpec as GuestSpecSchema } from '@drover/shared/model/guest';
import { GuestId } from '@drover/shared/model/id';
import { z } from 'zod';
import { definitionDigest } from '../../core/definition.ts';
import { createParsedFiles, readTextIfThere, removeFileDurably, writeFileDurably } from '../../host/durable-file.ts';

/** guest.json: what is applied, beside the guest's disks. Survives the loss of the journal and of the control plane. */
const GuestFile = z.strictObject({ v: z.literal(1), id: GuestId, spec: GuestSpecSchema, digest: z.string() });

export interface AppliedGuest {
  readonly spec: GuestSpec;
  readonly digest: string;
}

const pathOf = (folder: string): string => join(folder, 'guest.json');

/** What guest.json of this guest says; null when there is none, or when it was not this guest's or not whole: such a file is put aside. */
export function readGuestFile(folder: string, id: number): AppliedGuest | null {
  const path = pathOf(folder);
  const text = readTextIfThere(path);
  if (text === null) return null;
  const parsed = parseGuestFile(text);
  if (parsed === null || parsed.id !== id) {
    // Kept, under another name, for whoever wants to know what it was; the next definition writes a good one.
    renameSync(path, `${path}.bad`);
    return null;
  }
  // The digest is made anew: a file that was edited by hand must show as different from the wish.
  return { spec: parsed.spec, digest: definitionDigest(parsed.spec) };
}

/** Whose folder this is, for listing what exists: nothing is put aside. */
export function identifyGuestFolder(folder: string): { readonly id: number; readonly type: GuestSpec['type'] } | null {
  const text = readTextIfThere(pathOf(folder));
  const parsed = text === null ? null : parseGuestFile(text);
  return parsed === null ? null : { id: parsed.id, type: parsed.spec.type };
}

export function writeGuestFile(folder: string, id: number, spec: GuestSpec): void {
  const file: z.infer<typeof GuestFile> = { v: 1, id, spec, digest: definitionDigest(spec) };
  writeFileDurably(pathOf(folder), `${JSON.stringify(file, null, 1)}\n`);
}

export function removeGuestFile(folder: string): void {
  removeFileDurably(`${pathOf(folder)}.bad`);
  removeFileDurably(pathOf(folder));
}

/** `readGuestFile` that parses a file again only when it was replaced. */
export function createGuestFileReader(): (folder: string, id: number) => AppliedGuest | null {
  const files = createParsedFiles<AppliedGuest | null>();
  return (folder, id) => files(pathOf(folder), () => readGuestFile(folder, id));
}

function parseGuestFile(text: string): z.infer<typeof GuestFile> | null {
  try {
    return GuestFile.parse(JSON.parse(text));
  } catch {
    // Torn, edited or of another version: not a definition that this agent can trust.
    return null;
  }
}
