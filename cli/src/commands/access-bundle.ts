import { thingAt } from '@drover/shared/access/index-facts';
import { isWithin, reachOf } from '@drover/shared/access/reach';
import type { Command } from 'commander';
import { momentOf, openBundle, whoOf } from '../bundle-input.ts';
import { json } from '../print.ts';
import { type OpenSession, withExamples } from '../session.ts';

interface BundleOptions {
  readonly bundle?: string;
  readonly at?: string;
}

/** Who may do what, and why. */
export function addAccessBundleCommands(program: Command, open: OpenSession): void {
  const access = program.command('access').description('who may do what, and why');
  withExamples(access, ['drover access list alice VM.Console --bundle access.json']);
  addList(access, open);
}

function addList(access: Command, open: OpenSession): void {
  const list = access
    .command('list')
    .argument('<who>', 'a user, a token such as alice!ci, or group:ops')
    .argument('<privilege>', 'such as VM.Console')
    .description('the things on which somebody has a privilege');
  withBundle(list);
  withExamples(list, ['drover access list alice VM.Console --bundle access.json']).action(
    async (words: string, privilege: string, options: BundleOptions) => {
      const session = open();
      const { indexed } = await openBundle(options.bundle);
      const who = whoOf(words, indexed);
      const nowMs = momentOf(options.at, Date.now());
      const paths = [...indexed.containersOf.keys()].sort().filter((path) => {
        const below = path.slice(0, path.lastIndexOf('/')) || '/';
        return isWithin(reachOf(indexed, who, privilege, below, nowMs), thingAt(indexed, path));
      });
      session.terminal.out(session.isJson ? json(paths) : paths.map((path) => `${path}\n`).join(''));
    },
  );
}

function withBundle(command: Command): void {
  command
    .option('--bundle <file>', 'JSON with users, roles and grants; "-" for what comes in')
    .option('--at <moment>', 'judge as of then, such as 2027-01-31; else now');
}
