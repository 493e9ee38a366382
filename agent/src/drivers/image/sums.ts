import { Problem } from '@drover/shared/lib/problem';

export interface Checksum {
  readonly algorithm: 'sha256' | 'sha512';
  readonly hex: string;
}

/** "hash  file", "hash *file" (coreutils) and "SHA256 (file) = hash" (BSD, Rocky). Signatures around the lines do not matter: nothing else has this form. */
const FORMS = [/^(?<hex>[0-9a-fA-F]+) [ *](?<file>\S.*)$/, /^SHA(?:256|512) ?\((?<file>.+)\) ?= ?(?<hex>[0-9a-fA-F]+)$/] as const;

const ALGORITHM_OF_LENGTH: Readonly<Record<number, Checksum['algorithm']>> = { 64: 'sha256', 128: 'sha512' };

const baseName = (path: string) => path.slice(path.lastIndexOf('/') + 1);

/** The file's checksum in a publisher's list, the strongest that it has; or in a "list" that is the hash of the one file it lies beside. MD5 and SHA-1 do not count. */
export function checksumOf(sums: string, file: string): Checksum | null {
  if (/^[0-9a-fA-F]+$/.test(sums.trim())) return checksumFrom(sums.trim());
  let best: Checksum | null = null;
  for (const line of sums.split(/\r?\n/)) {
    const groups = FORMS.map((form) => form.exec(line.trim())?.groups).find((found) => found !== undefined);
    const checksum = checksumFrom(groups?.hex ?? '');
    if (!checksum || baseName(groups?.file ?? '') !== file) continue;
    if (best && best.algorithm === checksum.algorithm && best.hex !== checksum.hex)
      throw new Problem('checksum-mismatch', `the list of checksums names ${file} twice, with different checksums`, {
        field: 'source.checksum',
      });
    if (!best || checksum.algorithm === 'sha512') best = checksum;
  }
  return best;
}

function checksumFrom(hex: string): Checksum | null {
  const algorithm = ALGORITHM_OF_LENGTH[hex.length];
  return algorithm === undefined ? null : { algorithm, hex: hex.toLowerCase() };
}

/** The last part of a URL's path, as the publisher's list names it. */
export function fileNameOf(url: string): string {
  const name = baseName(new URL(url).pathname);
  try {
    return decodeURIComponent(name);
  } catch {
    // Not percent-encoded as it should be: then it is listed as it is, or not at all.
    return name;
  }
}
