import { accepted, CatalogueView, ImageView } from '@drover/shared/api/views';
import type { Command } from 'commander';
import { type BuildOptions, buildRequests, type FetchOptions, fetchRequests, type UploadOptions, uploadRequest } from '../image-input.ts';
import { colourOfState, facts, json, table } from '../print.ts';
import { confirm, encoded, listAll, noteRest, type OpenSession, type Session, settle, type WaitChoice, withExamples } from '../session.ts';
import { formatBytes, formatTime } from '../units.ts';
import { uploadFile } from '../upload.ts';

const LIMIT = 10_000;
const Accepted = accepted(ImageView);
const Deleted = accepted(ImageView.nullable());
const collect = (value: string, earlier: readonly string[] = []): string[] => [...earlier, value];
const pathOf = (image: string): string => `/images/${encoded(image)}`;

/** Images: what guests begin as. */
export function addImageCommands(program: Command, open: OpenSession): void {
  const image = program.command('image').description('what guests begin as');
  withExamples(image, [
    'drover image catalogue',
    'drover image build debian-13 --wait',
    'drover image upload my.iso --wait',
    'drover image list',
  ]);
  addReading(image, open);
  addMaking(image, open);
  addDelete(image, open);
}

function stateOf(image: ImageView): string {
  if (image.deleting) return 'deleting';
  if (image.ready) return 'ready';
  if (image.problem) return 'failed';
  return image.activity ? 'fetching' : 'waiting';
}

function nowOf(image: ImageView): string {
  const { activity } = image;
  if (activity)
    return `${activity.title}${activity.progress === null ? '' : ` ${Math.floor(activity.progress * 100)} %`}${activity.detail ? `: ${activity.detail}` : ''}`;
  return image.problem?.detail ?? (image.waitingFor === null ? '' : `waiting for ${image.waitingFor}`);
}

function addReading(image: Command, open: OpenSession): void {
  withExamples(image.command('list').alias('ls').description('list the images that are there'), ['drover image list --json']).action(
    async () => {
      const session = open();
      const { terminal } = session;
      const listed = await listAll(await session.client(), '/images', ImageView, {}, LIMIT);
      if (session.isJson) return terminal.out(json(listed.raw));
      if (listed.items.length === 0) return terminal.err('No images yet. drover image catalogue lists what can be had by name.\n');
      terminal.out(
        table(terminal, listed.items, [
          { title: 'NAME', value: (row) => row.name, shrinks: true },
          { title: 'FOR', value: (row) => row.form },
          { title: 'HOST', value: (row) => row.host.name, shrinks: true },
          { title: 'STATE', value: stateOf, colour: (row) => colourOfState(stateOf(row)) },
          { title: 'SIZE', value: (row) => (row.sizeBytes === null ? '-' : formatBytes(row.sizeBytes)), align: 'right' },
          { title: 'GUESTS', value: (row) => String(row.usedBy.length), align: 'right' },
          { title: 'NOW', value: nowOf, shrinks: true },
        ]),
      );
      noteRest(session, listed);
    },
  );

  const show = image.command('show').argument('<image>', 'name or id').description('show one image');
  withExamples(show, ['drover image show debian-13']).action(async (name: string) => {
    const session = open();
    const { value, raw } = await (await session.client()).call('GET', pathOf(name), ImageView);
    if (session.isJson) return session.terminal.out(json(raw));
    session.terminal.out(
      facts(session.terminal, [
        ['name', value.name],
        ['id', value.id],
        ['for', value.form],
        ['host', value.host.name],
        ['state', stateOf(value)],
        ['now', nowOf(value)],
        [
          'from',
          value.source.do === 'download'
            ? value.source.url
            : value.source.do === 'build'
              ? `Debian ${value.source.suite}, built here`
              : 'an upload',
        ],
        ['SHA-256', value.source.do === 'upload' ? value.source.sha256 : null],
        ['size', value.sizeBytes === null ? null : formatBytes(value.sizeBytes)],
        ['least disk', value.virtualSizeBytes === null ? null : formatBytes(value.virtualSizeBytes)],
        ['guests', value.usedBy.join(', ')],
        ['created', formatTime(value.createdAtMs)],
      ]),
    );
  });

  const catalogue = image.command('catalogue').description('list what can be had by name alone');
  withExamples(catalogue, ['drover image catalogue']).action(async () => {
    const session = open();
    const { value, raw } = await (await session.client()).call('GET', '/images/catalogue', CatalogueView);
    if (session.isJson) return session.terminal.out(json(raw));
    session.terminal.out(
      table(session.terminal, value.items, [
        { title: 'NAME', value: (row) => row.name },
        { title: 'WHAT', value: (row) => row.title, shrinks: true },
        { title: 'CONTAINER', value: (row) => row.forms.container?.do ?? '-' },
        { title: 'VM', value: (row) => row.forms.vm?.do ?? '-' },
      ]),
    );
  });
}

function addMaking(image: Command, open: OpenSession): void {
  const build = image.command('build').argument('<name>', 'of the catalogue, or one of your own with --suite');
  build
    .description("build Debian images from Debian's mirror")
    .option('--container', 'for containers only')
    .option('--vm', 'for virtual machines only');
  build.option('--suite <suite>', 'bookworm or trixie').option('--package <name>', 'a package more; may be given more than once', collect);
  build.option('--host <host>', 'on this host').option('--wait', 'wait until it is done');
  withExamples(build, [
    'drover image build debian-13 --wait',
    'drover image build debian-13 --container',
    'drover image build web-base --suite trixie --package nginx --wait',
  ]).action(async (name: string, options: BuildOptions & WaitChoice) => makeAll(open(), buildRequests(name, options), options));

  const fetch = image
    .command('fetch')
    .argument('<name>', 'of the catalogue, or one of your own with --url')
    .description('download an image from its publisher');
  fetch.option('--container', 'for containers').option('--vm', 'for virtual machines').option('--iso', 'for the CD drive');
  fetch
    .option('--url <url>', 'where it is')
    .option('--format <format>', 'when the address does not tell it')
    .option('--sha256 <hex>', 'its checksum');
  fetch
    .option('--sums <url>', "the publisher's list of checksums")
    .option('--host <host>', 'on this host')
    .option('--wait', 'wait until it is done');
  withExamples(fetch, [
    'drover image fetch ubuntu-24.04 --vm --wait',
    'drover image fetch netinst --iso --url https://example.org/netinst.iso --sums https://example.org/SHA256SUMS --wait',
  ]).action(async (name: string, options: FetchOptions & WaitChoice) => makeAll(open(), fetchRequests(name, options), options));

  const upload = image
    .command('upload')
    .argument('<file>', 'an ISO, a qcow2 or raw disk, or a root file system as tar')
    .description('send an image of your own');
  upload
    .option('--name <name>', "else the file's")
    .option('--container', 'for containers')
    .option('--vm', 'for virtual machines')
    .option('--iso', 'for the CD drive');
  upload
    .option('--format <format>', "when the file's name does not tell it")
    .option('--sha256 <hex>', 'refuse anything else')
    .option('--host <host>', 'to this host');
  upload.option('--wait', 'wait until its host has it');
  withExamples(upload, [
    'drover image upload debian-13-netinst.iso --wait',
    'drover image upload disk.qcow2 --name appliance --wait',
    'drover image upload rootfs.tar.zst --name base --container',
  ]).action(async (file: string, options: UploadOptions & WaitChoice) => {
    const session = open();
    const client = await session.client();
    const answer = await uploadFile(client, session.terminal, file, uploadRequest(file, options));
    const { id, name } = answer.value.resource;
    await settle(session, client, answer, { ...options, path: pathOf(id), done: `Image ${name} is ready.` });
  });
}

async function makeAll(session: Session, requests: ReturnType<typeof buildRequests>, choice: WaitChoice): Promise<void> {
  const client = await session.client();
  // All are begun before one is waited for, so that the host can do what fits together.
  const answers = [];
  for (const body of requests) answers.push(await client.call('POST', '/images', Accepted, { body }));
  for (const answer of answers) {
    const { id, name, form } = answer.value.resource;
    await settle(session, client, answer, { ...choice, path: pathOf(id), done: `Image ${name} (${form}) is ready.` });
  }
}

function addDelete(image: Command, open: OpenSession): void {
  const remove = image
    .command('delete')
    .alias('rm')
    .argument('<image...>', 'names or ids')
    .description('delete images that no guest needs');
  remove.option('--yes', 'do not ask').option('--wait', 'wait until it is done');
  withExamples(remove, ['drover image delete my-iso']).action(async (names: string[], options: WaitChoice & { yes?: boolean }) => {
    const session = open();
    const client = await session.client();
    for (const name of names) {
      const { value } = await client.call('GET', pathOf(name), ImageView);
      await confirm(session, `Delete image ${value.name} (${value.form}) on host ${value.host.name}?`, options.yes);
      const answer = await client.call('DELETE', pathOf(value.id), Deleted);
      await settle(session, client, answer, { ...options, path: pathOf(value.id), done: `Image ${value.name} is deleted.` });
    }
  });
}
