import { bundleSchema } from '@drover/shared/access/bundle';
import { explain, explainMap } from '@drover/shared/access/explain';
import type { Finding } from '@drover/shared/access/finding';
import { thingAt } from '@drover/shared/access/index-facts';
import { lint } from '@drover/shared/access/lint';
import { isWithin, type Reach, reachOf } from '@drover/shared/access/reach';
import { ScopePath } from '@drover/shared/access/scope';
import { HoldersView, LiveExplanation } from '@drover/shared/api/access';
import type { Command } from 'commander';
import { momentOf, openBundle, whoOf } from '../bundle-input.ts';
import { CliError } from '../error.ts';
import { explainedMap, explainedThing } from '../explain-print.ts';
import { json, table } from '../print.ts';
import { type OpenSession, type Session, withExamples } from '../session.ts';
import type { Terminal } from '../terminal.ts';

interface BundleOptions {
  readonly bundle?: string;
  readonly at?: string;
}

const WHO = 'a user such as alice or alice@pve, a token such as alice!ci, or group:ops';

/** Who may do what, and why: of the fleet as it is, or as a file says it. */
export function addAccessBundleCommands(program: Command, open: OpenSession): void {
  const access = program.command('access').description('who may do what, and why');
  withExamples(access, [
    'drover access explain alice /vms/web',
    'drover access explain alice /vms/107 --bundle access.json',
    'drover access check --bundle access.json',
  ]);
  addExplain(access, open);
  addHolders(access, open);
  addCheck(access, open);
  addList(access, open);
  withExamples(access.command('schema').description('print the JSON Schema of a bundle'), [
    'drover access schema > access-bundle.schema.json',
  ]).action(() => open().terminal.out(bundleSchema()));
}

function addExplain(access: Command, open: OpenSession): void {
  const command = access
    .command('explain')
    .argument('[who]', `${WHO}; else yourself`)
    .argument('[scope]', 'such as /vms/107 or /vms/web; else every path that a grant names')
    .description('the privileges somebody has, and for each the grant that gave or blocked it; of a bundle as JSON');
  withBundle(command);
  withExamples(command, [
    'drover access explain',
    'drover access explain alice /vms/web',
    'drover access explain alice /vms/107 --bundle access.json',
    'drover access explain alice@pve!ci /pool/shop --bundle access.json    # a token; token:… says so outright',
    'drover access explain group:ops --bundle access.json    # what a member has who is nothing else',
    'drover access explain bob --bundle access.json --at 2027-01-31',
  ]).action(async (words: string | undefined, path: string | undefined, options: BundleOptions) => {
    const session = open();
    if (options.bundle === undefined) return explainLive(session, words, path, options.at);
    if (words === undefined) throw new CliError('usage', 'whose rights? Write a name as it stands in the bundle');
    const { bundle, indexed } = await openBundle(options.bundle);
    const who = whoOf(words, indexed);
    const nowMs = momentOf(options.at, Date.now());
    const explained =
      path === undefined ? explainMap(indexed, who, nowMs, bundle.things) : explain(indexed, who, thingAt(indexed, pathOf(path)), nowMs);
    session.terminal.out(json(explained));
  });
}

async function explainLive(session: Session, who: string | undefined, path: string | undefined, at: string | undefined): Promise<void> {
  if (at !== undefined) throw new CliError('usage', '--at is for bundles: the fleet is explained as of now');
  // A path alone is about oneself.
  const query = path === undefined && who?.startsWith('/') ? { path: who } : { who, path };
  const { value, raw } = await (await session.client()).call('GET', '/access/explain', LiveExplanation, { query });
  if (session.isJson) return session.terminal.out(json(raw));
  session.terminal.out('paths' in value ? explainedMap(value) : explainedThing(value));
}

function addHolders(access: Command, open: OpenSession): void {
  const command = access
    .command('who')
    .argument('<scope>', 'such as /vms/web or /pool/shop')
    .description('everybody who may do anything at all with a thing');
  withExamples(command, ['drover access who /vms/web', 'drover access who /storage/local --json']).action(async (path: string) => {
    const session = open();
    const { value, raw } = await (await session.client()).call('GET', '/access/holders', HoldersView, { query: { path } });
    if (session.isJson) return session.terminal.out(json(raw));
    session.terminal.out(
      table(session.terminal, value.items, [
        { title: 'WHO', value: ({ who }) => `${who.kind} ${who.name}` },
        { title: 'PRIVILEGES', value: ({ privileges }) => String(privileges.length) },
        { title: 'SUCH AS', value: ({ privileges }) => privileges.slice(0, 3).join(', '), shrinks: true },
      ]),
    );
    session.terminal.err('Why, for each: drover access explain WHO SCOPE\n');
  });
}

function addCheck(access: Command, open: OpenSession): void {
  const command = access
    .command('check')
    .description(
      'what is wrong with a bundle: grants that never match, roles nobody has, owners without a second factor; ends with 1 at an error',
    );
  withBundle(command);
  withExamples(command, ['drover access check --bundle access.json', 'drover access check --bundle - --json < access.json']).action(
    async (options: BundleOptions) => {
      const session = open();
      const { bundle, indexed } = await openBundle(options.bundle);
      const findings = lint(bundle, indexed, momentOf(options.at, Date.now()));
      tellFindings(session, findings);
      const errors = findings.filter(({ severity }) => severity === 'error').length;
      if (errors > 0) throw new CliError('failed', errors === 1 ? 'One error.' : `${errors} errors.`);
    },
  );
}

function addList(access: Command, open: OpenSession): void {
  const command = access
    .command('list')
    .argument('<who>', WHO)
    .argument('<privilege>', 'such as VM.Console')
    .description('the things on which somebody has a privilege');
  withBundle(command);
  withExamples(command, ['drover access list alice VM.Console --bundle access.json']).action(
    async (words: string, privilege: string, options: BundleOptions) => {
      const session = open();
      const { bundle, indexed } = await openBundle(options.bundle);
      const who = whoOf(words, indexed);
      const nowMs = momentOf(options.at, Date.now());
      const known = new Set([...indexed.containersOf.keys(), ...(bundle.things ?? [])]);
      const reaches = new Map<string, Reach>();
      const paths = [...known].sort().filter((path) => {
        const below = path.slice(0, path.lastIndexOf('/')) || '/';
        const reach = reaches.get(below) ?? reachOf(indexed, who, privilege, below, nowMs);
        reaches.set(below, reach);
        return isWithin(reach, thingAt(indexed, path));
      });
      session.terminal.out(session.isJson ? json(paths) : paths.map((path) => `${path}\n`).join(''));
    },
  );
}

function withBundle(command: Command): void {
  command
    .option('--bundle <file>', 'JSON with users, groups, roles, pools, tokens and grants; "-" for what comes in')
    .option('--at <moment>', 'judge as of then: 2027-01-31, 2027-01-31T12:00:00Z or milliseconds; else now');
}

function pathOf(words: string): string {
  const parsed = ScopePath.safeParse(words);
  if (parsed.success) return parsed.data;
  throw new CliError('usage', `"${words}" is not ${parsed.error.issues[0]?.message ?? 'a path'}`);
}

function tellFindings({ terminal, isJson }: Session, findings: readonly Finding[]): void {
  if (isJson) terminal.out(json(findings));
  else if (findings.length === 0) terminal.err('Nothing is wrong.\n');
  else terminal.out(findingsTable(terminal, findings));
}

function findingsTable(terminal: Terminal, findings: readonly Finding[]): string {
  return table(terminal, findings, [
    { title: 'SEVERITY', value: ({ severity }) => severity, colour: ({ severity }) => (severity === 'error' ? 'red' : null) },
    { title: 'WHERE', value: ({ where }) => where },
    { title: 'CODE', value: ({ code }) => code },
    { title: 'WHAT', value: ({ sentence }) => sentence },
  ]);
}
