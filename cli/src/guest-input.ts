import { homedir } from 'node:os';
import { join } from 'node:path';
import type { CreateGuest, EditGuest } from '@drover/shared/api/requests';
import { messageOf } from './contexts.ts';
import { CliError } from './error.ts';
import { parseSize, parseWhole } from './units.ts';

/** The options of `guest create` as commander gives them. */
export interface CreateOptions {
  readonly container?: boolean;
  readonly vm?: boolean;
  readonly image?: string;
  readonly host?: string;
  readonly memory?: string;
  readonly cores?: string;
  readonly disk?: string;
  readonly swap?: string;
  readonly processes?: string;
  readonly privileged?: boolean;
  readonly firmware?: string;
  readonly cdrom?: string;
  readonly tag?: readonly string[];
  readonly notes?: string;
  readonly startAtBoot?: boolean;
  readonly sshKey?: readonly string[];
  readonly start?: boolean;
}

export interface EditOptions {
  readonly name?: string;
  readonly memory?: string;
  readonly cores?: string;
  readonly swap?: string;
  readonly processes?: string;
  /** All of them, with commas; empty: none. */
  readonly tags?: string;
  readonly notes?: string;
  readonly startAtBoot?: boolean;
  readonly startOrder?: string;
  readonly startDelay?: string;
  readonly shutdownTimeout?: string;
}

export type ReadText = (path: string) => Promise<string>;

/** What `guest create` sends; what is undefined is not sent. What belongs to the other kind of guest is refused by name. */
export async function createRequest(name: string, options: CreateOptions, readText: ReadText): Promise<CreateGuest> {
  if (options.container === options.vm) {
    throw new CliError('usage', options.vm ? '--container and --vm exclude each other' : 'say which kind of guest: --container or --vm');
  }
  const common = {
    name,
    host: options.host,
    ...resources(options),
    diskBytes: options.disk === undefined ? undefined : parseSize(options.disk, '--disk'),
    tags: options.tag === undefined ? undefined : splitTags(options.tag),
    notes: options.notes,
    startAtBoot: options.startAtBoot,
    sshKeys: options.sshKey === undefined ? undefined : await sshKeys(options.sshKey, readText),
    start: options.start,
  };
  if (options.vm) {
    refuseOthers('container', { '--swap': options.swap, '--processes': options.processes, '--privileged': options.privileged });
    return { type: 'vm', ...common, image: options.image, firmware: firmwareOf(options.firmware), cdrom: options.cdrom };
  }
  refuseOthers('VM', { '--firmware': options.firmware, '--cdrom': options.cdrom });
  if (options.image === undefined) {
    throw new CliError('usage', '--image: a container needs an image', {
      suggestion: 'such as --image debian-13; drover image catalogue lists more',
    });
  }
  const unprivileged = options.privileged === undefined ? undefined : !options.privileged;
  return { type: 'container', ...common, image: options.image, ...containerLimits(options), unprivileged };
}

export function editRequest(options: EditOptions): EditGuest {
  const request: EditGuest = {
    name: options.name,
    ...resources(options),
    ...containerLimits(options),
    tags: options.tags === undefined ? undefined : splitTags([options.tags]),
    notes: options.notes,
    startAtBoot: options.startAtBoot,
    startOrder: startOrderOf(options.startOrder),
    startDelayS: secondsOf(options.startDelay, '--start-delay'),
    shutdownTimeoutS: secondsOf(options.shutdownTimeout, '--shutdown-timeout'),
  };
  if (Object.values(request).some((value) => value !== undefined)) return request;
  throw new CliError('usage', 'nothing to change', { suggestion: 'drover guest edit --help lists what can be changed' });
}

function startOrderOf(text: string | undefined): number | null | undefined {
  if (text === undefined || text === 'none') return text === undefined ? undefined : null;
  return parseWhole(text, '--start-order', { min: 0, max: 9_999 });
}

const secondsOf = (text: string | undefined, option: string): number | undefined =>
  text === undefined ? undefined : parseWhole(text, option, { min: 0, max: 3_600 });

function resources(options: { readonly memory?: string; readonly cores?: string }) {
  return {
    memoryBytes: options.memory === undefined ? undefined : parseSize(options.memory, '--memory'),
    cores: options.cores === undefined ? undefined : parseWhole(options.cores, '--cores', { min: 1, max: 512 }),
  };
}

function containerLimits(options: { readonly swap?: string; readonly processes?: string }) {
  const range = { min: 16, max: 4_194_304 };
  return {
    swapBytes: options.swap === undefined ? undefined : parseSize(options.swap, '--swap'),
    processesMax: options.processes === undefined ? undefined : parseWhole(options.processes, '--processes', range),
  };
}

function firmwareOf(text: string | undefined): 'uefi' | 'bios' | undefined {
  if (text === undefined || text === 'uefi' || text === 'bios') return text;
  throw new CliError('usage', `--firmware: "${text}" is neither uefi nor bios`);
}

/** A key as such, or the file that holds it. */
async function sshKeys(values: readonly string[], readText: ReadText): Promise<string[]> {
  const keys: string[] = [];
  for (const value of values) {
    if (/^(ssh-|ecdsa-|sk-)\S+ /.test(value)) {
      keys.push(value.trim());
      continue;
    }
    const path = value.startsWith('~/') ? join(homedir(), value.slice(2)) : value;
    const text = await readText(path).catch((error: unknown) => {
      throw new CliError('usage', `--ssh-key: ${path} cannot be read: ${messageOf(error)}`, { cause: error });
    });
    if (/PRIVATE KEY/.test(text))
      throw new CliError('usage', `--ssh-key: ${path} is a private key`, { suggestion: 'give the public one, which ends in .pub' });
    const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '' && !line.startsWith('#'));
    keys.push(...lines.map((line) => line.trim()));
  }
  return keys;
}

const splitTags = (values: readonly string[]): string[] => [
  ...new Set(
    values
      .flatMap((value) => value.split(','))
      .map((tag) => tag.trim())
      .filter(Boolean),
  ),
];

function refuseOthers(kind: string, options: Readonly<Record<string, unknown>>): void {
  const wrong = Object.entries(options).find(([, value]) => value !== undefined);
  if (wrong) throw new CliError('usage', `${wrong[0]} is for a ${kind} only`);
}
