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

describe('a guest', () => {
  it('is ended and removed although its network cannot be used', async () => {
    const host = await hostWithGuest();
    host.wish(NETWORK, 2, { name: 'default', driver: 'nat', config: { bridge: 'drover0', subnet: 'none' } });
    host.wish(GUEST, 2, guestSpec({ power: 'off', powerRequest: 2 }));
    await host.pass(MOMENT_MS);
    expect(host.status(GUEST)).toMatchObject({ observed: { power: 'stopped' } });
    host.wish(GUEST, 3, guestSpec({ power: 'off', powerRequest: 2 }), { requestedAtMs: 1, destroys: ['root'] });
    await host.pass(MOMENT_MS);
    expect(host.status(GUEST)).toMatchObject({ gone: true });
  });

  it('says that its storage cannot be used, and why', async () => {
    const host = await hostWithGuest();
    host.wish(STORAGE, 2, { name: 'local', driver: 'directory', config: { path: 'nowhere' } });
    await host.pass(MOMENT_MS);
    host.wish(GUEST, 2, guestSpec({ notes: 'new' }));
    await host.pass(MOMENT_MS);
    expect(host.status(GUEST)).toMatchObject({
      condition: 'needs-attention',
      waitingFor: 'its storage',
      problem: { detail: expect.stringContaining('it needs its storage') },
    });
  });

  it('is found by its new name while it runs', async () => {
    const host = await hostWithGuest();
    const names = () => [...host.machine.network('drover0').registered.values()].map(({ guestName }) => guestName);
    expect(names()).toEqual(['web']);
    host.wish(GUEST, 2, guestSpec({ name: 'shop' }));
    await host.pass(MOMENT_MS);
    expect(names()).toEqual(['shop']);
  });

  it('stays off when it powers itself off after somebody asked again for it to run', async () => {
    const host = await hostWithGuest();
    host.wish(GUEST, 2, guestSpec({ powerRequest: 2 }));
    await host.pass(MOMENT_MS);
    const [running] = host.machine.running.values();
    if (!running) throw new Error('it does not run');
    host.machine.end(running, 'self');
    await host.pass(MOMENT_MS);
    expect(host.status(GUEST)).toMatchObject({ condition: 'settled', observed: { power: 'stopped', end: 'self' } });
  });

  it('is made as soon as there is room on the disk again', async () => {
    let isFull = true;
    const host = new LoneHost({
      drivers: (drivers) => {
        const { container } = drivers.guests;
        const define: typeof container.define = async (...args) => {
          if (isFull) throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', syscall: 'write' });
          await container.define(...args);
        };
        return { ...drivers, guests: { ...drivers.guests, container: { ...container, define } } };
      },
    });
    host.wish(STORAGE, 1, { name: 'local', driver: 'directory', config: { path: '/local' } });
    host.wish(NETWORK, 1, { name: 'default', driver: 'nat', config: { bridge: 'drover0', subnet: '10.84.0.0/24' } });
    host.wish(GUEST, 1, guestSpec());
    await host.pass(MOMENT_MS);
    expect(host.status(GUEST)).toMatchObject({ condition: 'waiting', problem: { code: 'no-space' } });
    isFull = false;
    await host.pass(60_000);
    expect(host.status(GUEST)).toMatchObject({ condition: 'settled', observed: { power: 'running' } });
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
