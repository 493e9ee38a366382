import { type ParseArgsConfig, parseArgs } from 'node:util';
import { Problem, problemOfInput } from '@drover/shared/lib/problem';
import { AgentConfig } from '../config.ts';
import { realDisk } from '../host/disk.ts';

/** Where the package puts it: whoever names no other means this host's own agent. */
export const CONFIG_PATH = '/var/lib/drover/agent/agent.json';

/** What one command of drover-agent is: its own words, without its name. Throws Problem. */
export type Command = (words: readonly string[]) => Promise<void>;

export const say = (line: string): void => console.log(line);

/** The options and the other words of a command line; what is not known is refused by name. */
export function parseWords<O extends NonNullable<ParseArgsConfig['options']>>(words: readonly string[], options: O) {
  try {
    return parseArgs({ args: [...words], options, allowPositionals: true });
  } catch (cause) {
    throw new Problem('bad-request', cause instanceof Error ? cause.message : String(cause), { cause, suggestion: 'drover-agent --help' });
  }
}

export function needed(value: string | undefined, option: string): string {
  if (!value) throw new Problem('bad-request', `${option} is missing`, { suggestion: 'drover-agent --help' });
  return value;
}

/** The agent's configuration; `url`, if given, in place of its own address of the control plane. */
export function readConfig(path: string, url?: string): AgentConfig {
  const text = readOwn(path);
  if (text === null) throw new Problem('not-found', `there is no ${path}`, { suggestion: 'run drover-agent enrol first' });
  const parsed = AgentConfig.safeParse({ ...parseJson(text, path), ...(url ? { controlPlaneUrl: url.replace(/\/+$/, '') } : {}) });
  if (!parsed.success) throw problemOfInput(parsed.error, path);
  return parsed.data;
}

function readOwn(path: string): string | null {
  try {
    return realDisk.read(path);
  } catch (cause) {
    throw new Problem('not-allowed', `${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
      suggestion: 'put sudo before drover-agent',
    });
  }
}

function parseJson(text: string, path: string): object {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null) return parsed;
  } catch {
    // Said below, in words.
  }
  throw new Problem('internal', `${path} is damaged`, { suggestion: 'restore it from a backup, or enrol this host again' });
}
