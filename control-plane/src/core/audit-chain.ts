import { canonicalJson, sha256Hex } from '@drover/shared/lib/digest';
import { AuditFacts } from '@drover/shared/model/audit';

/** Before the first entry. */
export const BEGINNING = '0'.repeat(64);

export interface Numbered {
  readonly number: number;
  readonly facts: AuditFacts;
}

/** The hash of an entry: of its number, its facts and the hash before. Whoever changes one entry has to change all that came after. */
export const hashAfter = (before: string, { number, facts }: Numbered): string =>
  sha256Hex(`${before}\n${number}\n${canonicalJson(AuditFacts.parse(facts))}`);

export interface Link {
  readonly number: number;
  readonly hash: string;
}

/** The links for entries that have none yet, in their order. */
export function linksFor(last: Link, entries: readonly Numbered[]): readonly Link[] {
  const links: Link[] = [];
  let before = last.hash;
  for (const entry of entries) {
    before = hashAfter(before, entry);
    links.push({ number: entry.number, hash: before });
  }
  return links;
}

export type Verdict =
  | { readonly is: 'whole'; readonly last: Link }
  /** The first entry that is not as it was written, or is missing. */
  | { readonly is: 'broken'; readonly number: number; readonly because: string };

/** Are these, the next in the record after `last`, as they were written? */
export function verify(last: Link, entries: readonly Numbered[], links: ReadonlyMap<number, string>): Verdict {
  let before = last;
  for (const entry of entries) {
    if (entry.number !== before.number + 1) return broken(before.number + 1, 'it is missing');
    const kept = links.get(entry.number);
    if (kept === undefined) return broken(entry.number, 'it was never bound to those before it');
    const hash = hashAfter(before.hash, entry);
    if (hash !== kept) return broken(entry.number, 'it, or its hash, was changed');
    before = { number: entry.number, hash };
  }
  return { is: 'whole', last: before };
}

const broken = (number: number, because: string): Verdict => ({ is: 'broken', number, because });
