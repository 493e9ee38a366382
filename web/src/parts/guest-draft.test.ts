import { CreateGuest } from '@drover/shared/api/requests';
import { expect, it } from 'vitest';
import { GiB, MiB } from '../format.ts';
import { commandOf, type Draft, requestOf, SIZES, sizeOf } from './guest-draft.ts';

const draft: Draft = {
  type: 'container',
  name: 'web',
  image: 'debian-13',
  isCd: false,
  size: sizeOf('container', 'small'),
  memory: '',
  cores: '',
  disk: '',
  host: '',
  tags: '',
  notes: '',
  sshKeys: '',
  start: true,
  startAtBoot: false,
  privileged: false,
  bios: false,
};
const requested = (members: Partial<Draft>): CreateGuest => {
  const made = requestOf({ ...draft, ...members });
  if (!('request' in made)) throw new Error(JSON.stringify(made.faults));
  return made.request;
};

it('four taps make a request that the control plane takes', () => {
  expect(requested({})).toEqual({
    type: 'container',
    name: 'web',
    image: 'debian-13',
    memoryBytes: 256 * MiB,
    cores: 1,
    diskBytes: 4 * GiB,
    start: true,
  });
  for (const type of ['container', 'vm'] as const)
    for (const size of SIZES[type]) expect(CreateGuest.safeParse(requested({ type, size })).success).toBe(true);
});

it('what is filled in under "more options" is asked for, and nothing else', () => {
  const request = requested({
    type: 'vm',
    image: 'netinst.iso',
    isCd: true,
    memory: '1.5 GiB',
    cores: '3',
    disk: '20G',
    host: 'attic',
    tags: 'prod, web  prod',
    notes: "Ada's",
    sshKeys: 'ssh-ed25519 AAAA ada\n\n',
    start: false,
    startAtBoot: true,
    bios: true,
    privileged: true,
  });
  expect(request).toEqual({
    type: 'vm',
    name: 'web',
    cdrom: 'netinst.iso',
    memoryBytes: 1536 * MiB,
    cores: 3,
    diskBytes: 20 * GiB,
    host: 'attic',
    tags: ['prod', 'web'],
    notes: "Ada's",
    sshKeys: ['ssh-ed25519 AAAA ada'],
    start: false,
    startAtBoot: true,
    firmware: 'bios',
  });
  expect(CreateGuest.safeParse(request).success).toBe(true);
  expect(commandOf(request)).toBe(
    "npx drover guest create web --vm --cdrom netinst.iso --memory 1536MiB --cores 3 --disk 20GiB --host attic --tag prod --tag web --notes 'Ada'\\''s' --ssh-key 'ssh-ed25519 AAAA ada' --start-at-boot --firmware bios --wait",
  );
});

it('the command line is one that can be typed', () => {
  expect(commandOf(requested({ privileged: true }))).toBe(
    'npx drover guest create web --container --image debian-13 --memory 256MiB --cores 1 --disk 4GiB --privileged --start --wait',
  );
});

it('what cannot be read is named by its field', () => {
  expect(requestOf({ ...draft, name: ' ', image: '', memory: 'lots', cores: '1.5', disk: '-1' })).toEqual({
    faults: {
      name: expect.any(String),
      image: expect.any(String),
      memoryBytes: expect.any(String),
      cores: expect.any(String),
      diskBytes: expect.any(String),
    },
  });
});
