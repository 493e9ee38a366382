import { CreateGuest, EditGuest } from '@drover/shared/api/requests';
import { describe, expect, it } from 'vitest';
import { type CreateOptions, createRequest, editRequest } from './guest-input.ts';

const nothing = async (path: string): Promise<string> => Promise.reject(new Error(`ENOENT: ${path}`));
const create = (options: CreateOptions, readText = nothing) => createRequest('web', options, readText);
const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKey anna@laptop';

describe('guest create', () => {
  it('says what was typed and nothing more', async () => {
    const request = await create({ container: true, image: 'debian-13', memory: '256MiB', start: true });
    expect(JSON.parse(JSON.stringify(request))).toEqual({
      type: 'container',
      name: 'web',
      image: 'debian-13',
      memoryBytes: 268_435_456,
      start: true,
    });
  });

  it('is what the API takes, with every option of either kind', async () => {
    const common = {
      image: 'debian-13',
      memory: '1GiB',
      cores: '2',
      disk: '8GiB',
      host: 'fra-1',
      tag: ['a,b', 'a'],
      notes: 'x',
      startAtBoot: true,
      start: true,
    };
    const container = await create({ ...common, container: true, swap: '0B', processes: '512', privileged: true, sshKey: [KEY] });
    expect(CreateGuest.parse(container)).toMatchObject({
      tags: ['a', 'b'],
      swapBytes: 0,
      processesMax: 512,
      unprivileged: false,
      sshKeys: [KEY],
    });
    expect(CreateGuest.parse(await create({ ...common, vm: true, firmware: 'bios', cdrom: 'my-iso' }))).toMatchObject({
      firmware: 'bios',
      cdrom: 'my-iso',
    });
  });

  it('reads public keys from a file, one per line', async () => {
    const { sshKeys } = await create({ vm: true, sshKey: ['/keys.pub'] }, async () => `# mine\n${KEY}\r\n\n${KEY}2\n`);
    expect(sshKeys).toEqual([KEY, `${KEY}2`]);
  });

  it.each<[string, CreateOptions]>([
    ['--container or --vm', {}],
    ['exclude each other', { container: true, vm: true }],
    ['--image', { container: true }],
    ['--swap', { vm: true, swap: '1GiB' }],
    ['--processes', { vm: true, processes: '100' }],
    ['--privileged', { vm: true, privileged: true }],
    ['--firmware', { container: true, image: 'x', firmware: 'uefi' }],
    ['--cdrom', { container: true, image: 'x', cdrom: 'y' }],
    ['--firmware', { vm: true, firmware: 'efi' }],
    ['--memory', { vm: true, memory: '1G' }],
    ['--disk', { vm: true, disk: 'big' }],
    ['--cores', { vm: true, cores: '0' }],
    ['--ssh-key', { vm: true, sshKey: ['/none.pub'] }],
  ])('bad input is refused in the name of its option: %s', async (option, options) => {
    await expect(create(options)).rejects.toThrow(option);
  });

  it('never sends a private key anywhere', async () => {
    await expect(create({ vm: true, sshKey: ['/id'] }, async () => '-----BEGIN OPENSSH PRIVATE KEY-----\nabc')).rejects.toThrow(
      'is a private key',
    );
  });
});

describe('guest edit', () => {
  it('sends only what shall change', () => {
    expect(JSON.parse(JSON.stringify(editRequest({ memory: '512MiB', tags: '', startAtBoot: false })))).toEqual({
      memoryBytes: 536_870_912,
      tags: [],
      startAtBoot: false,
    });
    expect(
      EditGuest.parse(editRequest({ name: 'shop', cores: '2', swap: '1GiB', processes: '99', notes: '', tags: 'a, b' })),
    ).toMatchObject({ tags: ['a', 'b'] });
  });

  it('reads how it starts and ends with its host', () => {
    expect(EditGuest.parse(editRequest({ startOrder: '1', startDelay: '10', shutdownTimeout: '120' }))).toEqual({
      startOrder: 1,
      startDelayS: 10,
      shutdownTimeoutS: 120,
    });
    expect(EditGuest.parse(editRequest({ startOrder: 'none' }))).toEqual({ startOrder: null });
    expect(() => editRequest({ startDelay: '1h' })).toThrow('--start-delay');
  });

  it('refuses to change nothing', () => expect(() => editRequest({})).toThrow('nothing to change'));
});
