import { readFile } from 'node:fs/promises';
import { accepted, GuestView } from '@drover/shared/api/views';
import type { Command } from 'commander';
import { type CreateOptions, createRequest, type EditOptions, editRequest } from '../guest-input.ts';
import { guestFacts, guestTable } from '../guest-print.ts';
import { json } from '../print.ts';
import { confirm, encoded, listAll, noteRest, type OpenSession, settle, type WaitChoice, withExamples } from '../session.ts';
import { formatBytes, parseWhole } from '../units.ts';
import { addPowerCommands } from './guest-power.ts';
import { addStreamCommands } from './guest-stream.ts';

const Accepted = accepted(GuestView);
/** A guest that had never been made is gone at once. */
const Deleted = accepted(GuestView.nullable());
const collect = (value: string, earlier: readonly string[] = []): string[] => [...earlier, value];
const pathOf = (guest: string): string => `/guests/${encoded(guest)}`;

/** Guests: containers and virtual machines. */
export function addGuestCommands(program: Command, open: OpenSession): void {
  const guest = program.command('guest').description('containers and virtual machines');
  withExamples(guest, [
    'drover guest create web --container --image debian-13 --memory 256MiB --start --wait',
    'drover guest list',
    'drover guest exec web -- cat /etc/os-release',
    'drover guest shutdown web --wait',
  ]);
  addReading(guest, open);
  addCreate(guest, open);
  addPowerCommands(guest, open);
  addEdit(guest, open);
  addDelete(guest, open);
  addStreamCommands(guest, open);
}

function addReading(guest: Command, open: OpenSession): void {
  const list = guest.command('list').alias('ls').argument('[words...]', 'words that must occur in name, id, a tag or an address');
  list
    .description('list guests')
    .option('--tag <tag>', 'with this tag')
    .option('--host <host>', 'on this host')
    .option('--type <type>', 'container or vm');
  list.option('--state <state>', 'running or stopped').option('--limit <number>', 'at most so many', '1000');
  withExamples(list, ['drover guest list', 'drover guest list web --state running', 'drover guest list --tag shop --json']).action(
    async (words: string[], options: { tag?: string; host?: string; type?: string; state?: string; limit: string }) => {
      const session = open();
      const { limit: limitText, ...filters } = options;
      const limit = parseWhole(limitText, '--limit', { min: 1, max: 1_000_000 });
      const query = { ...filters, search: words.length > 0 ? words.join(' ') : undefined };
      const listed = await listAll(await session.client(), '/guests', GuestView, query, limit);
      if (session.isJson) session.terminal.out(json(listed.raw));
      else if (listed.items.length === 0) session.terminal.err('No guests.\n');
      else session.terminal.out(guestTable(session.terminal, listed.items));
      noteRest(session, listed);
    },
  );

  const show = guest.command('show').argument('<guest>', 'name or id').description('show one guest');
  withExamples(show, ['drover guest show web', 'drover guest show 101 --json']).action(async (name: string) => {
    const session = open();
    const { value, raw } = await (await session.client()).call('GET', pathOf(name), GuestView);
    session.terminal.out(session.isJson ? json(raw) : guestFacts(session.terminal, value, Date.now()));
  });
}

function addCreate(guest: Command, open: OpenSession): void {
  const create = guest
    .command('create')
    .argument('<name>', 'small letters, digits and hyphens')
    .description('create a container or a virtual machine');
  create
    .option('--container', 'make a container')
    .option('--vm', 'make a virtual machine')
    .option('--image <image>', 'what it begins as; fetched or built first when it is not there yet')
    .option('--memory <size>', 'such as 512MiB')
    .option('--cores <number>', 'processor cores')
    .option('--disk <size>', 'its root disk, such as 8GiB')
    .option('--host <host>', 'where; else the control plane chooses')
    .option('--tag <tag>', 'may be given more than once', collect)
    .option('--notes <text>')
    .option('--ssh-key <file>', "a public key for root's authorized_keys, or the file with it; more than once", collect)
    .option('--start-at-boot', 'start it when its host boots')
    .option('--start', 'start it once it is made')
    .option('--swap <size>', 'container: swap on top of its memory')
    .option('--processes <number>', 'container: at most so many processes')
    .option('--privileged', 'container: root inside is root of the host (only for guests that you trust)')
    .option('--firmware <kind>', 'VM: uefi or bios')
    .option('--cdrom <image>', 'VM: an ISO image in its CD drive')
    .option('--wait', 'wait until it is done');
  withExamples(create, [
    'drover guest create web --container --image debian-13 --memory 256MiB --start --wait',
    'drover guest create db --vm --image debian-13 --memory 512MiB --cores 1 --start --wait',
    'drover guest create lab --vm --cdrom my.iso --disk 20GiB --memory 2GiB --start',
    'drover guest create app --container --image debian-13 --ssh-key ~/.ssh/id_ed25519.pub --tag shop --tag test',
  ]).action(async (name: string, options: CreateOptions & WaitChoice) => {
    const session = open();
    const body = await createRequest(name, options, (path) => readFile(path, 'utf8'));
    const client = await session.client();
    const answer = await client.call('POST', '/guests', Accepted, { body });
    const { id } = answer.value.resource;
    await settle(session, client, answer, {
      ...options,
      path: pathOf(String(id)),
      done: `Guest ${name} (${id}) ${options.start ? 'runs' : 'is made'}.`,
    });
  });
}

function addEdit(guest: Command, open: OpenSession): void {
  const edit = guest.command('edit').argument('<guest>', 'name or id').description('change a guest');
  edit
    .option('--name <name>', 'a new name')
    .option('--memory <size>', 'such as 512MiB')
    .option('--cores <number>')
    .option('--swap <size>', 'container only')
    .option('--processes <number>', 'container only')
    .option('--tags <tags>', 'all of them, with commas; "" for none')
    .option('--notes <text>')
    .option('--start-at-boot', 'start it when its host boots')
    .option('--no-start-at-boot', 'leave it off when its host boots')
    .option('--start-order <number>', 'lower ones start first with their host, and end last; "none": after all that have one')
    .option('--start-delay <seconds>', 'how long the next ones wait once it has started')
    .option('--shutdown-timeout <seconds>', 'what it is given to shut down when its host goes down')
    .option('--generation <number>', 'only if nobody changed it since this generation')
    .option('--wait', 'wait until it is done');
  withExamples(edit, [
    'drover guest edit web --memory 512MiB --wait',
    'drover guest edit web --name shop --tags shop,live',
    'drover guest edit web --cores 2 --generation 7',
    'drover guest edit db --start-at-boot --start-order 1 --start-delay 10 --shutdown-timeout 120',
  ]).action(async (name: string, options: EditOptions & WaitChoice & { generation?: string }) => {
    const session = open();
    const body = editRequest(options);
    const generation =
      options.generation === undefined
        ? undefined
        : parseWhole(options.generation, '--generation', { min: 1, max: Number.MAX_SAFE_INTEGER });
    const client = await session.client();
    const answer = await client.call('PATCH', pathOf(name), Accepted, { body, generation });
    const { id, name: newName } = answer.value.resource;
    await settle(session, client, answer, { ...options, path: pathOf(String(id)), done: `Guest ${newName} is changed.` });
  });
}

function addDelete(guest: Command, open: OpenSession): void {
  const remove = guest.command('delete').alias('rm').argument('<guest...>', 'names or ids').description('delete guests and their disks');
  remove.option('--yes', 'do not ask').option('--wait', 'wait until it is done');
  withExamples(remove, ['drover guest delete web', 'drover guest delete web db --yes --wait']).action(
    async (names: string[], options: WaitChoice & { yes?: boolean }) => {
      const session = open();
      const client = await session.client();
      for (const name of names) {
        const { value } = await client.call('GET', pathOf(name), GuestView);
        const disks = value.disks.map((disk) => `${disk.name} (${formatBytes(disk.sizeBytes)})`).join(', ');
        const kind = value.type === 'vm' ? 'VM' : 'container';
        const what = `${kind} ${value.name} (${value.id}) on host ${value.host.name} with ${value.disks.length === 1 ? 'its disk' : 'its disks'} ${disks}`;
        // Whoever says yes to a running guest, or --yes, means it: the control plane is told not to ask once more.
        const isOff = value.observedPower === 'stopped' && value.power !== 'running';
        await confirm(session, `Delete ${what}?${isOff ? '' : ' It is running, and is stopped first.'}`, options.yes);
        const answer = await client.call('DELETE', pathOf(String(value.id)), Deleted, { query: { force: !isOff } });
        await settle(session, client, answer, { ...options, path: pathOf(String(value.id)), done: `Guest ${value.name} is deleted.` });
      }
    },
  );
}
