import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';

const DROVER = join(import.meta.dirname, '../../cli/bin/drover.mjs');

export interface CliResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `drover` as a person would type it, split at spaces; what a shell would quote comes in `more`. */
export function drover(
  line: string,
  env: Readonly<Record<string, string>>,
  options: { readonly input?: string; readonly more?: readonly string[] } = {},
): Promise<CliResult> {
  const child = spawn(process.execPath, [DROVER, ...line.split(' ').filter(Boolean), ...(options.more ?? [])], {
    env: { ...process.env, ...env },
  });
  child.stdin.end(options.input ?? '');
  return collect(child);
}

/** What a child said on either channel, and how it ended. */
export function collect(child: ChildProcess): Promise<CliResult> {
  return new Promise((resolve, reject) => {
    let stdout = '';
    let stderr = '';
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      stdout += chunk;
    });
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      stderr += chunk;
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? -1, stdout, stderr }));
  });
}
