import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { z } from 'zod';
import { API, type Method } from '../client.ts';
import { messageOf } from '../contexts.ts';
import { CliError } from '../error.ts';
import { json } from '../print.ts';
import { type OpenSession, withExamples } from '../session.ts';

const METHODS: readonly Method[] = ['GET', 'POST', 'PATCH', 'DELETE', 'PUT'];

/** `drover api`: any call of the API, as it is. */
export function addApiCommand(program: Command, open: OpenSession): void {
  const api = program
    .command('api')
    .argument('<method>', METHODS.join(', '))
    .argument('<path>', 'after /api/v1')
    .description('call the API as it is');
  api.option('--data <json>', 'the body: JSON, @FILE, or @- for standard input');
  withExamples(api, [
    'drover api GET /guests?limit=5',
    `drover api PATCH /guests/web --data '{"notes": "the shop"}'`,
    'drover api POST /guests --data @guest.json',
  ]).action(async (methodText: string, path: string, options: { data?: string }) => {
    const session = open();
    const method = METHODS.find((known) => known === methodText.toUpperCase());
    if (!method) throw new CliError('usage', `"${methodText}" is not one of ${METHODS.join(', ')}`);
    const [clean = '', search = ''] = path.replace(new RegExp(`^${API}(?=/)`), '').split('?', 2);
    if (!clean.startsWith('/'))
      throw new CliError('usage', `"${path}" is not a path`, { suggestion: `it starts with a slash, such as /guests` });
    const query = Object.fromEntries(new URLSearchParams(search));
    const body = options.data === undefined ? undefined : parseBody(await textOf(options.data));
    const { raw } = await (await session.client()).call(method, clean, z.unknown(), { query, body });
    if (raw !== null) session.terminal.out(typeof raw === 'string' ? raw : json(raw));
  });
}

async function textOf(data: string): Promise<string> {
  if (!data.startsWith('@')) return data;
  const path = data.slice(1);
  return readFile(path === '-' ? '/dev/stdin' : path, 'utf8').catch((error: unknown) => {
    throw new CliError('usage', `--data: ${path} cannot be read: ${messageOf(error)}`, { cause: error });
  });
}

function parseBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CliError('usage', `--data: this is not JSON: ${messageOf(error)}`, { cause: error });
  }
}
