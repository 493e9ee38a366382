import { GuestSpec, MiB } from '@drover/shared/model/guest';
import { describe, expect, it } from 'vitest';
import { LoneHost, type LoneHostOptions } from '../../test/simulation/lone-host.ts';

const STORAGE = { kind: 'storage', id: 'storage_00000001' } as const;
const NETWORK = { kind: 'network', id: 'network_00000001' } as const;
const GUEST = { kind: 'guest', id: '107' } as const;
const REBOOT = { kind: 'task', id: 'task_00000001' } as const;
const MOMENT_MS = 5_000;

const guestSpec = (over: Partial<GuestSpec> = {}) =>
  GuestSpec.parse({
    type: 'container',
    name: 'web',
    tags: [],
    notes: '',
    power: 'running',
    powerRequest: 1,
    startAtBoot: true,
    memoryBytes: 64 * MiB,
    cores: 1,
    disks: [{ name: 'root', storageId: STORAGE.id, sizeBytes: 64 * MiB, imageId: null }],
    nics: [{ name: 'net0', networkId: NETWORK.id, mac: '52:54:01:00:00:6b' }],
    sshKeys: [],
    swapBytes: 0,
    processesMax: 128,
    unprivileged: true,
    ...over,
  });

async function hostWithGuest(options: LoneHostOptions = {}): Promise<LoneHost> {
  const host = new LoneHost(options);
  host.wish(STORAGE, 1, { name: 'local', driver: 'directory', config: { path: '/local' } });
  host.wish(NETWORK, 1, { name: 'default', driver: 'nat', config: { bridge: 'drover0', subnet: '10.84.0.0/24' } });
  host.wish(GUEST, 1, guestSpec());
  await host.pass(MOMENT_MS);
  expect(host.status(GUEST)).toMatchObject({ condition: 'settled', observed: { power: 'running' } });
  return host;
}

describe('a network that shall go', () => {
  const config = { bridge: 'drover0', subnet: '10.84.0.0/24' };
  const deletion = { requestedAtMs: 1, destroys: [] };

  it('is taken away before it is said to be gone, also when only half of it is there', async () => {
    const host = new LoneHost();
    host.wish(NETWORK, 1, { name: 'default', driver: 'nat', config });
    await host.pass(MOMENT_MS);
    host.machine.network('drover0').ready = false;
    host.wish(NETWORK, 2, { name: 'default', driver: 'nat', config }, deletion);
    await host.pass(MOMENT_MS);
    expect(host.status(NETWORK)).toMatchObject({ gone: true });
    expect([...host.machine.networks.keys()]).toEqual([]);
  });

  it('is not said to be gone when its driver cannot even be asked', async () => {
    const host = new LoneHost();
    host.wish(NETWORK, 1, { name: 'default', driver: 'nat', config });
    await host.pass(MOMENT_MS);
    host.wish(NETWORK, 2, { name: 'default', driver: 'nat', config: { ...config, subnet: 'none' } }, deletion);
    await host.pass(MOMENT_MS);
    expect(host.status(NETWORK)).toMatchObject({ gone: false, condition: 'needs-attention', problem: { field: 'config.subnet' } });
    expect([...host.machine.networks.keys()]).toEqual(['drover0']);
  });
});

describe('a guest that does not reboot when it is asked to', () => {
  const deaf: LoneHostOptions = {
    weather: { isCalm: false, fate: (operation) => (operation.startsWith('reboot') ? 'hangs' : 'well') },
  };
  const rebooting = async () => {
    const host = await hostWithGuest(deaf);
    host.wish(REBOOT, 1, { do: 'guest.reboot', guestId: 107, force: false });
    await host.pass(MOMENT_MS);
    expect(host.status(REBOOT)).toMatchObject({ condition: 'working', observed: { state: 'running' } });
    return host;
  };

  it('is not waited for when it shall be off, and the reboot says why it is over', async () => {
    const host = await rebooting();
    host.wish(GUEST, 2, guestSpec({ power: 'off', powerRequest: 2 }));
    await host.pass(MOMENT_MS);
    expect(host.status(GUEST)).toMatchObject({ condition: 'settled', applied: 2, observed: { power: 'stopped' } });
    expect(host.status(REBOOT)).toMatchObject({
      condition: 'settled',
      observed: { state: 'cancelled', problem: { detail: 'a newer wish has come' } },
    });
  });

  it('is not waited for when it shall go', async () => {
    const host = await rebooting();
    host.wish(GUEST, 2, guestSpec(), { requestedAtMs: 1, destroys: ['root'] });
    await host.pass(MOMENT_MS);
    expect(host.status(GUEST)).toMatchObject({ gone: true });
  });

  it('is not waited for when the person who asked changes their mind', async () => {
    const host = await rebooting();
    host.wish(REBOOT, 2, { do: 'guest.reboot', guestId: 107, force: false, cancelled: true });
    await host.pass(MOMENT_MS);
    expect(host.status(REBOOT)).toMatchObject({ condition: 'settled', observed: { state: 'cancelled' } });
  });
});
