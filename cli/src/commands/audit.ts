import { AuditVerdict } from '@drover/shared/api/audit';
import { storyOf } from '@drover/shared/api/audit-story';
import { page } from '@drover/shared/api/views';
import { AuditEntry } from '@drover/shared/model/audit';
import type { Command } from 'commander';
import { CliError } from '../error.ts';
import { parseMoment } from '../moment-input.ts';
import { json, table } from '../print.ts';
import { type OpenSession, withExamples } from '../session.ts';
import { formatTime, parseWhole } from '../units.ts';

interface ListOptions {
  readonly who?: string;
  readonly thing?: string;
  readonly since?: string;
  readonly until?: string;
  readonly limit?: string;
}

/** The record of who did what. */
export function addAuditCommands(program: Command, open: OpenSession): void {
  const audit = program.command('audit').description('the record of who did what');
  withExamples(audit, ['drover audit list --who anna', 'drover audit verify', 'drover audit export > record.jsonl']);

  const list = audit
    .command('list')
    .alias('ls')
    .option('--who <user>', 'of this person')
    .option('--thing <thing>', 'about guest/107, or all of a kind: host')
    .option('--since <date>', 'such as 2026-11-22 or 2026-11-22T12:00:00Z')
    .option('--until <date>', 'before this moment')
    .option('--limit <number>', 'so many, the newest', '50')
    .description('list what was done, the newest first');
  withExamples(list, ['drover audit list', 'drover audit list --thing guest/107 --since 2026-11-01']).action(
    async (options: ListOptions) => {
      const session = open();
      const { since, until } = options;
      const query = {
        ...{ who: options.who, thing: options.thing, limit: parseWhole(options.limit ?? '50', '--limit', { min: 1, max: 1_000 }) },
        sinceMs: since === undefined ? undefined : parseMoment(since, '--since'),
        untilMs: until === undefined ? undefined : parseMoment(until, '--until'),
      };
      const { value, raw } = await (await session.client()).call('GET', '/audit', page(AuditEntry), { query });
      if (session.isJson) return session.terminal.out(json(raw));
      if (value.items.length === 0) return session.terminal.err('Nothing of that is in the record.\n');
      session.terminal.out(
        table(session.terminal, value.items, [
          { title: 'TIME', value: (row) => formatTime(row.atMs) },
          { title: 'WHO', value: (row) => row.who },
          { title: 'WHAT', value: storyOf, shrinks: true },
          { title: 'WITH', value: (row) => row.via, shrinks: true },
          { title: 'FROM', value: (row) => row.address ?? '-' },
          { title: 'NUMBER', value: (row) => String(row.number) },
        ]),
      );
      if (value.total > value.items.length) session.terminal.err(`${value.total - value.items.length} more: --limit, --since, --until.\n`);
    },
  );

  const verify = audit.command('verify').description('prove that the record is whole, as it was written');
  withExamples(verify, ['drover audit verify', 'drover audit verify --json']).action(async () => {
    const session = open();
    const { value, raw } = await (await session.client()).call('GET', '/audit/verify', AuditVerdict, { timeoutMs: VERIFY_MS });
    if (session.isJson) session.terminal.out(json(raw));
    else if (value.last) session.terminal.out(`The record is whole: ${value.last.number} entries, ${value.last.hash}\n`);
    if (value.broken === null) return;
    throw new CliError('failed', `the record is broken at entry ${value.broken.number}: ${value.broken.because}`, {
      suggestion: 'compare it with an export, or with a backup, from before',
    });
  });

  const exported = audit
    .command('export')
    .option('--from <number>', 'from this entry on', '1')
    .description('print the record, the oldest first, one JSON document a line');
  withExamples(exported, ['drover audit export > record.jsonl', 'drover audit export --from 1200']).action(
    async (options: { from?: string }) => {
      const session = open();
      const from = parseWhole(options.from ?? '1', '--from', { min: 1, max: Number.MAX_SAFE_INTEGER });
      const response = await (await session.client()).open(`/audit/export?from=${from}`, {});
      const decoder = new TextDecoder();
      for await (const chunk of response.body ?? []) session.terminal.out(decoder.decode(chunk, { stream: true }));
    },
  );
}

const VERIFY_MS = 600_000;
