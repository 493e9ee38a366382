import { readFile } from 'node:fs/promises';
import { type Bundle, readBundle } from '@drover/shared/access/bundle';
import { factsOfBundle } from '@drover/shared/access/bundle-facts';
import { type IndexedFacts, indexFacts } from '@drover/shared/access/index-facts';
import type { Who } from '@drover/shared/access/standing';
import { Problem } from '@drover/shared/lib/problem';
import { CliError } from './error.ts';
import { parseMoment } from './moment-input.ts';

export interface ReadBundle {
  readonly bundle: Bundle;
  readonly indexed: IndexedFacts;
}

/** The bundle in a file, or in what comes in for "-". */
export async function openBundle(path: string | undefined): Promise<ReadBundle> {
  if (path === undefined) throw new CliError('usage', '--bundle: say which file holds the users, roles and grants');
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

/** The moment to judge at: --at, or now. */
export const momentOf = (words: string | undefined, nowMs: number): number => (words === undefined ? nowMs : parseMoment(words, '--at'));
