import { Privilege } from '@drover/shared/access/privilege';
import { BUILT_IN_ROLES } from '@drover/shared/access/role';
import { HostView, ImageView, NetworkView, StorageView, TaskView } from '@drover/shared/api/views';
import type { Command, Option } from 'commander';
import { z } from 'zod';
import { type Client, createClient } from './client.ts';
import { readContexts, resolveTarget } from './contexts.ts';
import type { Terminal } from './terminal.ts';

/** A key press waits for this, so it must be quick: better no names than a stuck shell. */
const ASK_MS = 1_500;
const NAMES_MAX = 500;

/** What an argument or an option's value may be, told by the word it is declared with. */
type Names = (prefix: string, terminal: Terminal, context: string | undefined) => Promise<readonly string[]>;

const Named = z.object({ name: z.string() });
const fixed =
  (...words: string[]): Names =>
  async () =>
    words;

const ROLES = asked(async (client) =>
  (await client.call('GET', '/roles', z.object({ items: z.array(Named) }), { timeoutMs: ASK_MS })).value.items.map(({ name }) => name),
);

const NAMES: Readonly<Record<string, Names>> = {
  guest: asked((client, prefix) => namesOf(client, '/guests', Named, { search: prefix || undefined })),
  host: asked((client) => namesOf(client, '/hosts', HostView.pick({ name: true }))),
  image: asked(async (client) => {
    const here = await namesOf(client, '/images', ImageView.pick({ name: true }));
    const { value } = await client.call('GET', '/images/catalogue', z.object({ items: z.array(Named) }), { timeoutMs: ASK_MS });
    return [...here, ...value.items.map((item) => item.name)];
  }),
  storage: asked((client) => namesOf(client, '/storages', StorageView.pick({ name: true }))),
  network: asked((client) => namesOf(client, '/networks', NetworkView.pick({ name: true }))),
  // Those that can be followed and cancelled; an old one's id is copied from a list.
  task: asked(async (client) => {
    const schema = z.object({ items: z.array(TaskView.pick({ id: true })) });
    return (await client.call('GET', '/tasks', schema, { query: { limit: 50, state: 'active' }, timeoutMs: ASK_MS })).value.items.map(
      ({ id }) => id,
    );
  }),
  user: asked((client) => namesOf(client, '/users', Named)),
  context: async (_prefix, terminal) => Object.keys((await readContexts(terminal.env)).contexts),
  // Offline, those that there always are.
  role: (prefix, terminal, context) => ROLES(prefix, terminal, context).catch(() => BUILT_IN_ROLES.map(({ name }) => name)),
  privilege: async () => Privilege.options,
  group: asked((client) => namesOf(client, '/groups', Named)),
  grant: asked((client) => idsOf(client, '/grants')),
  pool: asked((client) => poolPaths(client)),
  member: fixed('guest', 'storage', 'network'),
  who: asked(async (client) => {
    const groups = await namesOf(client, '/groups', Named);
    return [...(await namesOf(client, '/users', Named)), ...groups.map((name) => `group:${name}`)];
  }),
  scope: asked(async (client) => {
    const guests = await namesOf(client, '/guests', Named);
    const tops = ['/', '/vms', '/nodes', '/storage', '/network', '/pool', '/access'];
    return [...tops, ...guests.map((name) => `/vms/${name}`), ...(await poolPaths(client)).map((path) => `/pool/${path}`)];
  }),
  firmware: fixed('uefi', 'bios'),
  type: fixed('container', 'vm'),
  state: fixed('running', 'stopped'),
  suite: fixed('bookworm', 'trixie'),
  shell: fixed('bash', 'zsh'),
  method: fixed('GET', 'POST', 'PATCH', 'DELETE'),
};

/** What could come next, for a line that ends with `words.at(-1)`, begun or empty. */
export async function complete(program: Command, typed: readonly string[], terminal: Terminal): Promise<string[]> {
  const { words, prefix } = spelledOut(typed);
  const begun = words.at(-1) ?? '';
  const place = walk(program, words.slice(0, -1));
  if (place === null) return [];
  const names = async (kind: string) => {
    const known = Object.hasOwn(NAMES, kind) ? NAMES[kind] : undefined;
    return known ? known(begun, terminal, place.context).catch(() => []) : [];
  };
  const matching = (candidates: readonly string[]) => [...new Set(candidates)].filter((word) => word.startsWith(begun)).sort();
  if (place.awaitsValue) return matching(await names(kindOf(place.awaitsValue))).map((word) => prefix + word);
  if (prefix !== '') return [];
  if (begun.startsWith('-')) return matching(flagsOf(program, place.command));
  const commands = place.command.commands.filter((command) => !isHidden(command)).map((command) => command.name());
  if (commands.length > 0) return matching(commands);
  const declared = place.command.registeredArguments;
  const argument = declared[place.argumentCount] ?? (declared.at(-1)?.variadic ? declared.at(-1) : undefined);
  return argument ? matching(await names(argument.name())) : [];
}

/** `--host=fra` as if it were `--host fra`: one word to zsh, which wants it whole again, and three to bash. */
function spelledOut(typed: readonly string[]): { readonly words: readonly string[]; readonly prefix: string } {
  const words: string[] = [];
  let prefix = '';
  for (const [index, word] of typed.entries()) {
    const [, option, value] = /^(--[a-z-]+)=(.*)$/.exec(word) ?? [];
    prefix = '';
    if (word === '=' && words.at(-1)?.startsWith('--')) {
      if (index === typed.length - 1) words.push('');
    } else if (option !== undefined && value !== undefined) {
      words.push(option, value);
      prefix = `${option}=`;
    } else words.push(word);
  }
  return { words, prefix };
}

interface Place {
  readonly command: Command;
  readonly argumentCount: number;
  /** The option whose value comes next. */
  readonly awaitsValue: Option | null;
  readonly context: string | undefined;
}

/** Where in the tree of commands a line has come to; null behind `--`, where other programs' words begin. */
function walk(program: Command, words: readonly string[]): Place | null {
  let command = program;
  let argumentCount = 0;
  let awaitsValue: Option | null = null;
  let context: string | undefined;
  for (const word of words) {
    if (awaitsValue) {
      if (awaitsValue.long === '--context') context = word;
      awaitsValue = null;
      continue;
    }
    if (word === '--') return null;
    if (word.startsWith('-')) {
      const option = [...command.options, ...program.options].find((known) => known.long === word || known.short === word);
      awaitsValue = option && (option.required || option.optional) ? option : null;
      continue;
    }
    const next =
      argumentCount === 0 ? command.commands.find((known) => known.name() === word || known.aliases().includes(word)) : undefined;
    if (next) command = next;
    else argumentCount += 1;
  }
  return { command, argumentCount, awaitsValue, context };
}

function flagsOf(program: Command, command: Command): string[] {
  const options = command === program ? program.options : [...command.options, ...program.options];
  return [...options.filter((option) => !option.hidden).map((option) => option.long ?? option.short ?? ''), '--help'];
}

/** `--host <host>` takes a host; `--cdrom <image>` an image; `--role <role>` one of the roles. */
const kindOf = (option: Option): string => /<([a-z-]+)>/.exec(option.flags)?.[1]?.replace('kind', option.name()) ?? '';

const isHidden = (command: Command): boolean => command.name().startsWith('__') || command.name() === 'help';

function asked(ask: (client: Client, prefix: string) => Promise<readonly string[]>): Names {
  return async (prefix, terminal, context) => ask(createClient(await resolveTarget(terminal.env, context)), prefix);
}

async function namesOf(
  client: Client,
  path: string,
  item: z.ZodType<{ name: string }>,
  query: Readonly<Record<string, string | undefined>> = {},
): Promise<string[]> {
  const schema = z.object({ items: z.array(item) });
  const { value } = await client.call('GET', path, schema, { query: { ...query, limit: NAMES_MAX }, timeoutMs: ASK_MS });
  return value.items.map(({ name }) => name);
}

async function idsOf(client: Client, path: string): Promise<string[]> {
  const schema = z.object({ items: z.array(z.object({ id: z.string() })) });
  return (await client.call('GET', path, schema, { timeoutMs: ASK_MS })).value.items.map(({ id }) => id);
}

async function poolPaths(client: Client): Promise<string[]> {
  const schema = z.object({ items: z.array(z.object({ path: z.string() })) });
  return (await client.call('GET', '/pools', schema, { timeoutMs: ASK_MS })).value.items.map(({ path }) => path);
}

const BASH = `# Completion of drover for bash. In ~/.bashrc: eval "$(drover completion bash)"
_drover() {
  local IFS=$'\\n'
  COMPREPLY=($("\${COMP_WORDS[0]}" __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _drover drover
`;

/** Works by eval as well as from a file _drover in $fpath, whose content is the function's first call. */
const ZSH = `#compdef drover
# Completion of drover for zsh. In ~/.zshrc, after compinit: eval "$(drover completion zsh)"
_drover() {
  local -a candidates
  candidates=("\${(@f)$("\${words[1]}" __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "\${candidates[1]}" ]]; then compadd -- "\${candidates[@]}"; else _default; fi
}
if [[ "\${funcstack[1]}" = _drover ]]; then _drover "$@"; else compdef _drover drover; fi
`;

export const completionScript = (shell: 'bash' | 'zsh'): string => (shell === 'bash' ? BASH : ZSH);
