import { EnrolmentTokensView, type EnrolmentTokenView, SigningKeyView } from '@drover/shared/api/views';
import type { Command } from 'commander';
import { z } from 'zod';
import { facts, json, table } from '../print.ts';
import { confirm, encoded, type OpenSession, withExamples } from '../session.ts';
import type { Terminal } from '../terminal.ts';
import { formatTime } from '../units.ts';

/** What lets hosts in, and what they know the control plane by. */
export function addHostKeyCommands(program: Command, open: OpenSession): void {
  const host = program.commands.find((command) => command.name() === 'host');
  if (!host) throw new Error('there is no command host');
  const tokens = host.command('tokens').description('list the one-time tokens that let new hosts in');
  withExamples(tokens, ['drover host tokens']).action(async () => {
    const session = open();
    const { value, raw } = await (await session.client()).call('GET', '/hosts/enrolments', EnrolmentTokensView);
    if (session.isJson) session.terminal.out(json(raw));
    else if (value.items.length === 0) session.terminal.err('No tokens. drover host add makes one.\n');
    else session.terminal.out(tokenTable(session.terminal, value.items));
  });

  const takeBack = host
    .command('take-back')
    .argument('<token>', 'the token, or its id in the list')
    .description('let nobody in by a token any more');
  withExamples(takeBack, ['drover host take-back 4f1d9a7c0b2e8d66']).action(async (token: string) => {
    const session = open();
    await (await session.client()).call('DELETE', `/hosts/enrolments/${encoded(token)}`, z.null());
    session.terminal.out(session.isJson ? json({ takenBack: true }) : 'No host can come in by it any more.\n');
  });

  const key = program.command('signing-key').description('the key that commands to hosts are signed with');
  withExamples(key, ['drover signing-key show', 'drover signing-key rotate']);
  const show = key.command('show').description('its fingerprint, to compare with what drover-agent fingerprint shows on a host');
  withExamples(show, ['drover signing-key show']).action(async () => {
    const session = open();
    const { value, raw } = await (await session.client()).call('GET', '/signing-key', SigningKeyView);
    session.terminal.out(session.isJson ? json(raw) : keyFacts(session.terminal, value));
  });
  const rotate = key.command('rotate').description('sign with a new key from now on; hosts learn of it by themselves');
  rotate.option('--yes', 'do not ask');
  withExamples(rotate, ['drover signing-key rotate']).action(async (options: { yes?: boolean }) => {
    const session = open();
    await confirm(session, 'Sign commands with a new key from now on?', options.yes);
    const { value, raw } = await (await session.client()).call('POST', '/signing-key/rotate', SigningKeyView, { body: {} });
    session.terminal.out(session.isJson ? json(raw) : keyFacts(session.terminal, value));
  });
}

const keyFacts = (terminal: Terminal, key: SigningKeyView): string =>
  facts(terminal, [
    ['fingerprint', key.fingerprint],
    ['key id', key.keyId],
    ['changed', key.rotations === 0 ? 'never' : key.rotations === 1 ? 'once' : `${key.rotations} times`],
  ]);

function tokenTable(terminal: Terminal, tokens: readonly EnrolmentTokenView[]): string {
  return table(terminal, tokens, [
    { title: 'ID', value: (token) => token.id },
    { title: 'STATE', value: (token) => token.state },
    { title: 'FOR', value: (token) => token.name ?? 'any name', shrinks: true },
    { title: 'MADE BY', value: (token) => token.createdBy, shrinks: true },
    { title: 'UNTIL', value: (token) => formatTime(token.expiresAtMs) },
    { title: 'HOST', value: (token) => token.usedBy ?? '-', shrinks: true },
  ]);
}
