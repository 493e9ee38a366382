import { momentMs } from '@drover/shared/access/bundle-facts';
import { z } from 'zod';
import { CliError } from './error.ts';

const Moment = z.union([z.iso.datetime({ offset: true }), z.iso.date(), z.string().regex(/^\d{1,16}$/)]);

/** "2027-01-31", "2027-01-31T12:00:00Z" or milliseconds since 1970. Anything else is refused in the option's own name. */
export function parseMoment(words: string, option: string): number {
  const found = Moment.safeParse(words).success ? momentMs(/^\d+$/.test(words) ? Number(words) : words) : null;
  if (found !== null) return found;
  throw new CliError('usage', `${option}: "${words}" is no moment: use 2027-01-31, 2027-01-31T12:00:00Z or milliseconds since 1970`);
}
