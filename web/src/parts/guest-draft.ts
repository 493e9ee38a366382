import type { CreateGuest } from '@drover/shared/api/requests';
import type { GuestType } from '@drover/shared/model/guest';
import { exactBytes, GiB, MiB, shellWord } from '../format.ts';
import { type PlainKey, t } from '../text/t.ts';
import { readAmount, readCores } from './limits.ts';
import { tagsOf } from './tags.ts';

export interface Size {
  readonly key: string;
  readonly name: PlainKey;
  readonly memoryBytes: number;
  readonly cores: number;
  readonly diskBytes: number;
}

const size = (key: string, name: PlainKey, memoryMiB: number, cores: number, diskGiB: number): Size => ({
  key,
  name,
  memoryBytes: memoryMiB * MiB,
  cores,
  diskBytes: diskGiB * GiB,
});

export const SIZES: Readonly<Record<GuestType, readonly [Size, ...Size[]]>> = {
  container: [size('small', 'size.small', 256, 1, 4), size('medium', 'size.medium', 1024, 2, 8), size('large', 'size.large', 4096, 4, 32)],
  vm: [size('small', 'size.small', 512, 1, 8), size('medium', 'size.medium', 2048, 2, 16), size('large', 'size.large', 8192, 4, 64)],
};

export const sizeOf = (type: GuestType, key: string | undefined): Size => SIZES[type].find((one) => one.key === key) ?? SIZES[type][0];

/** What the form holds, as typed. An amount left empty is the chosen size's. */
export interface Draft {
  readonly type: GuestType;
  readonly name: string;
  readonly image: string;
  readonly isCd: boolean;
  readonly size: Size;
  readonly memory: string;
  readonly cores: string;
  readonly disk: string;
  readonly host: string;
  readonly tags: string;
  readonly notes: string;
  readonly sshKeys: string;
  readonly start: boolean;
  readonly startAtBoot: boolean;
  readonly privileged: boolean;
  readonly bios: boolean;
}

/** The request, or which fields cannot be read and why. What is sound but not possible the control plane says. */
export function requestOf(draft: Draft): { request: CreateGuest } | { faults: Readonly<Record<string, string>> } {
  const faults: Record<string, string> = {};
  /** An amount left empty is the chosen size's. */
  const amount = (field: 'memoryBytes' | 'diskBytes' | 'cores', text: string, preset: number): number => {
    if (text.trim() === '') return preset;
    const read = field === 'cores' ? readCores(text) : readAmount(field, text);
    if ('value' in read) return read.value;
    faults[field] = read.fault;
    return preset;
  };
  if (draft.name.trim() === '') faults.name = t('fault.name');
  if (draft.image === '') faults.image = t('fault.image');
  const tags = tagsOf(draft.tags);
  const sshKeys = draft.sshKeys
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);

  const common = {
    name: draft.name.trim(),
    memoryBytes: amount('memoryBytes', draft.memory, draft.size.memoryBytes),
    cores: amount('cores', draft.cores, draft.size.cores),
    diskBytes: amount('diskBytes', draft.disk, draft.size.diskBytes),
    start: draft.start,
    ...(draft.host === '' ? {} : { host: draft.host }),
    ...(tags.length === 0 ? {} : { tags }),
    ...(draft.notes === '' ? {} : { notes: draft.notes }),
    ...(sshKeys.length === 0 ? {} : { sshKeys }),
    ...(draft.startAtBoot ? { startAtBoot: true } : {}),
  };
  if (Object.keys(faults).length > 0) return { faults };
  if (draft.type === 'container')
    return { request: { type: 'container', image: draft.image, ...common, ...(draft.privileged ? { unprivileged: false } : {}) } };
  const source = draft.isCd ? { cdrom: draft.image } : { image: draft.image };
  return { request: { type: 'vm', ...source, ...common, ...(draft.bios ? { firmware: 'bios' as const } : {}) } };
}

/** The same request as somebody would type it: what is clicked here can be scripted tomorrow. */
export function commandOf(request: CreateGuest): string {
  const words = [
    'npx',
    'drover',
    'guest',
    'create',
    request.name === '' ? 'NAME' : request.name,
    request.type === 'vm' ? '--vm' : '--container',
  ];
  const option = (name: string, value: string | undefined): void => {
    if (value !== undefined) words.push(`--${name}`, shellWord(value));
  };
  option('image', request.image);
  if (request.type === 'vm') option('cdrom', request.cdrom);
  option('memory', request.memoryBytes === undefined ? undefined : exactBytes(request.memoryBytes));
  option('cores', request.cores?.toString());
  option('disk', request.diskBytes === undefined ? undefined : exactBytes(request.diskBytes));
  option('host', request.host);
  for (const tag of request.tags ?? []) option('tag', tag);
  option('notes', request.notes);
  for (const key of request.sshKeys ?? []) option('ssh-key', key);
  if (request.startAtBoot === true) words.push('--start-at-boot');
  if (request.type === 'container' && request.unprivileged === false) words.push('--privileged');
  if (request.type === 'vm') option('firmware', request.firmware);
  if (request.start === true) words.push('--start');
  words.push('--wait');
  return words.join(' ');
}
