import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { CliError } from './error.ts';

/** The control planes that this person uses; `npm start` writes the local one (infra/context.mjs). */
export const ContextsFile = z.object({
  current: z.string(),
  contexts: z.record(z.string(), z.object({ url: z.string(), token: z.string() })),
});
export type ContextsFile = z.infer<typeof ContextsFile>;

/** Where to, and as whom. */
export interface Target {
  readonly url: string;
  readonly token: string;
  /** For messages: the context's name, or the variable it came from. */
  readonly from: string;
}

type Env = Readonly<Record<string, string | undefined>>;

export function contextsPath(env: Env): string {
  return env.DROVER_CONFIG || join(env.XDG_CONFIG_HOME || join(env.HOME || homedir(), '.config'), 'drover', 'contexts.json');
}

export async function readContexts(env: Env): Promise<ContextsFile> {
  const path = contextsPath(env);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return { current: '', contexts: {} };
    throw new CliError('failed', `${path} cannot be read: ${messageOf(error)}`, { cause: error });
  }
  try {
    return ContextsFile.parse(JSON.parse(text));
  } catch (error) {
    throw new CliError('failed', `${path} is not a list of contexts`, {
      suggestion: 'correct it, or remove it and add the contexts again',
      cause: error,
    });
  }
}

/** Written whole or not at all, readable by its owner only: it holds tokens. */
export async function writeContexts(env: Env, file: ContextsFile): Promise<void> {
  const path = contextsPath(env);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${process.pid}.tmp`;
  await writeFile(temporary, `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600 });
  await chmod(temporary, 0o600);
  await rename(temporary, path);
}

/** --context wins over DROVER_URL and DROVER_TOKEN, and these over the current context. */
export async function resolveTarget(env: Env, wanted: string | undefined): Promise<Target> {
  const { DROVER_URL: url, DROVER_TOKEN: token } = env;
  if (wanted === undefined && url) {
    if (token) return { url: checkUrl(url, 'DROVER_URL'), token, from: 'DROVER_URL' };
    throw new CliError('usage', 'DROVER_URL is set, but DROVER_TOKEN is not', { suggestion: 'set both, or neither' });
  }
  const file = await readContexts(env);
  const name = wanted ?? file.current;
  const context = Object.hasOwn(file.contexts, name) ? file.contexts[name] : undefined;
  if (context) return { ...context, from: name };
  if (wanted !== undefined) {
    const known = Object.keys(file.contexts).join(', ') || 'none';
    throw new CliError('not-found', `there is no context "${wanted}"`, { suggestion: `there are: ${known}` });
  }
  throw new CliError('not-allowed', 'no control plane is known yet', {
    suggestion: 'run npm start in the Drover folder on this machine, or add one: drover context add NAME --url URL',
  });
}

export function checkUrl(text: string, option: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url && /^https?:$/.test(url.protocol) && url.pathname === '/' && !url.search) return url.origin;
  throw new CliError('usage', `${option}: "${text}" is not the address of a control plane`, {
    suggestion: 'such as https://drover.example.org',
  });
}

export const messageOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown));

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
