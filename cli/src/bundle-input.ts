import { readFile } from 'node:fs/promises';
import { type Bundle, readBundle } from '@drover/shared/access/bundle';
import { factsOfBundle, momentMs } from '@drover/shared/access/bundle-facts';
import { type IndexedFacts, indexFacts } from '@drover/shared/access/index-facts';
import type { Who } from '@drover/shared/access/standing';
import { Problem } from '@drover/shared/lib/problem';
import { z } from 'zod';
import { CliError } from './error.ts';

export interface ReadBundle {
  readonly bundle: Bundle;
  readonly indexed: IndexedFacts;
}

/** The bundle in a file, or in what comes in for "-". */
export async function openBundle(path: string | undefined): Promise<ReadBundle> {
  if (path === undefined)
    throw new CliError('usage', '--bundle: say which file holds the users, roles and grants', {
      suggestion: 'To ask a running control plane instead is not there yet.',
    });
  const text = await readFile(path === '-' ? '/dev/stdin' : path, 'utf8').catch((cause: unknown) => {
    throw new CliError('usage', `--bundle: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  });
  try {
    const bundle = readBundle(text);
    return { bundle, indexed: indexFacts(factsOfBundle(bundle)) };
  } catch (thrown) {
    if (thrown instanceof Problem) throw CliError.ofProblem(thrown.view());
    throw thrown;
  }
}

/** "alice", "user:alice", "group:ops", "token:alice!ci"; a name alone is a user, or else the one token or group of that name. */
export function whoOf(words: string, { facts }: IndexedFacts): Who {
  const [, kind, id] = /^(user|group|token):(.+)$/.exec(words) ?? [];
  const lists = { user: facts.users, token: facts.tokens, group: facts.groups } as const;
  const found = (['user', 'token', 'group'] as const).find(
    (one) => (kind === undefined || kind === one) && lists[one].some((row) => row.id === (id ?? words)),
  );
  if (found !== undefined) return { kind: found, id: id ?? words };
  throw new CliError('not-found', `"${words}" is neither a user, a token nor a group of this bundle`, {
    suggestion: 'Write a name as it stands in the bundle: "alice", "alice!ci" or "group:ops".',
  });
}

const Moment = z.union([z.iso.datetime({ offset: true }), z.iso.date(), z.string().regex(/^\d{1,16}$/)]);

/** The moment to judge at: --at, or now. */
export function momentOf(words: string | undefined, nowMs: number): number {
  if (words === undefined) return nowMs;
  if (!Moment.safeParse(words).success)
    throw new CliError('usage', `--at: "${words}" is no moment: use 2027-01-31, 2027-01-31T12:00:00Z or milliseconds since 1970`);
  return momentMs(/^\d+$/.test(words) ? Number(words) : words) ?? nowMs;
}
