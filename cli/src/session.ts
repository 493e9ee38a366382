import { page, type TaskView } from '@drover/shared/api/views';
import type { Command } from 'commander';
import { z } from 'zod';
import { type Answer, type Client, createClient, type Query } from './client.ts';
import { resolveTarget } from './contexts.ts';
import { CliError } from './error.ts';
import { json } from './print.ts';
import { ownName, type Terminal } from './terminal.ts';
import { waitForTask } from './wait.ts';

/** What every command works with. */
export interface Session {
  readonly terminal: Terminal;
  /** The control plane of --context, DROVER_URL or the current context. */
  client(): Promise<Client>;
  readonly isJson: boolean;
  readonly isVerbose: boolean;
}

export type OpenSession = () => Session;

export function sessionOf(root: Command, terminal: Terminal): Session {
  const options: { context?: string; json?: boolean; verbose?: boolean } = root.opts();
  return {
    terminal,
    client: async () => createClient(await resolveTarget(terminal.env, options.context)),
    isJson: options.json === true,
    isVerbose: options.verbose === true,
  };
}

/** Examples close every help text. */
export function withExamples(command: Command, lines: readonly string[]): Command {
  return command.addHelpText('after', `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}`);
}

/** Asks before something that cannot be undone; where nobody can answer, --yes must have. */
export async function confirm(session: Session, question: string, yes: boolean | undefined): Promise<void> {
  if (yes) return;
  const { terminal } = session;
  if (!terminal.isInTty)
    throw new CliError('usage', 'this cannot be undone, and nobody is here to ask', { suggestion: 'add --yes when you are sure' });
  const answer = await terminal.ask(`${question} [y/N] `);
  if (!/^y(es)?$/i.test(answer.trim())) throw new CliError('failed', 'nothing was changed');
}

export interface WaitChoice {
  readonly wait?: boolean;
}

/** A write that a host carries out was accepted: says so, or waits for its end. */
export async function settle<T>(
  session: Session,
  client: Client,
  answer: Answer<{ resource: T; task: TaskView }>,
  choice: WaitChoice & { readonly path: string; readonly done?: string },
): Promise<void> {
  const { terminal } = session;
  const { task } = answer.value;
  if (!choice.wait) {
    if (session.isJson) return terminal.out(json(answer.raw));
    terminal.out(`${task.title}: begun. To follow it: ${ownName(terminal)} task follow ${task.id}\n`);
    return;
  }
  const ended = await waitForTask(client, terminal, task.id, { verbose: session.isVerbose });
  if (!session.isJson) {
    if (choice.done) terminal.out(`${choice.done}\n`);
    return;
  }
  terminal.out(json({ resource: await nowOrNull(client, choice.path), task: ended.raw }));
}

async function nowOrNull(client: Client, path: string): Promise<unknown> {
  try {
    return (await client.call('GET', path, z.unknown())).raw;
  } catch (error) {
    if (error instanceof CliError && error.exit === 'not-found') return null;
    throw error;
  }
}

const PAGE_MAX = 1_000;
const RawPage = z.object({ items: z.array(z.unknown()) });

export interface Listed<T> {
  readonly items: T[];
  readonly raw: unknown[];
  readonly total: number;
}

/** Up to `limit` things of a list, page by page. */
export async function listAll<S extends z.ZodType>(
  client: Client,
  path: string,
  item: S,
  query: Query,
  limit: number,
): Promise<Listed<z.output<S>>> {
  const items: z.output<S>[] = [];
  const raw: unknown[] = [];
  let after: string | undefined;
  for (;;) {
    const answer = await client.call('GET', path, page(item), {
      query: { ...query, limit: Math.min(PAGE_MAX, limit - items.length), after },
    });
    items.push(...answer.value.items);
    raw.push(...RawPage.parse(answer.raw).items);
    const { next, total } = answer.value;
    if (next === null || items.length >= limit) return { items, raw, total };
    after = next;
  }
}

/** A line on what a list left out. */
export function noteRest(session: Session, listed: Listed<unknown>): void {
  const rest = listed.total - listed.items.length;
  if (rest > 0) session.terminal.err(`${rest} more: narrow it down, or ask for more with --limit\n`);
}

export const encoded = (part: string): string => encodeURIComponent(part);
