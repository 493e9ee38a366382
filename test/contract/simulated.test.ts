import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { realClock } from '@drover/shared/lib/clock';
import { MiB } from '@drover/shared/model/guest';
import { ImageId, NetworkId, StorageId } from '@drover/shared/model/id';
import type { ImageSpec } from '@drover/shared/model/image';
import { describe, expect, it } from 'vitest';
import type { GuestDefinition } from '../../agent/src/drivers/guest/driver.ts';
import { silentProgress } from '../../agent/src/drivers/progress.ts';
import { createChance } from '../simulation/chance.ts';
import { createSimulatedDrivers } from '../simulation/hypervisor.ts';
import { realLife } from '../simulation/life.ts';
import { Machine } from '../simulation/machine.ts';
import { fairWeather } from '../simulation/weather.ts';
import { describeGuestDriver, type GuestDriverWorld } from './guest-driver.ts';

const ID = 4_000_501;
const never = new AbortController().signal;
const storageId = StorageId.parse('storage_simulated1');
const newMachine = () => new Machine('sim', realClock, fairWeather(createChance('contract')));

/** The simulation is worth what its drivers have in common with the real ones: they keep the same contracts, as far as there is a guest to look into. */
describe('simulated containers', () => {
  const noShell = 'a simulated guest has no shell to run this in';
  const noBytes = 'nothing of a simulated guest is in files';
  const follows = 'follows on another of these';
  describeGuestDriver('simulated-container', {
    create: createWorld,
    powerOff: [],
    memoryChange: 'next-start',
    consolePrompt: '',
    excused: {
      'a definition that is torn counts as none, and defining again mends it': noBytes,
      'programs run in the guest and their output, input and exit code come through': noShell,
      'a program that is closed is ended': noShell,
      'the console answers to what is typed, for two people at once, and closing one leaves the other': noShell,
      'a guest that powers itself off is told and stays off': noShell,
      'a guest that powers itself off while the agent is away is found to have done so': noShell,
      'a reboot ends one run and begins another: politely, by force, and of a guest that is off': noShell,
      'a reboot that is called off half-way: the guest that then ends was asked to, and starts again when it is wished for': noBytes,
      'a stopped guest is gone when stop returns, its end counts as asked, and stopping again is done already': follows,
      'a start that fails says why and leaves nothing running': 'its disks are no files that could be missing',
    },
  });

  it('power themselves off, and are seen to have done so', async () => {
    const world = await createWorld();
    const driver = world.createDriver();
    await driver.define(world.definition, never);
    await driver.start(world.definition, never);
    world.end('self');
    expect(await driver.observe(ID, world.definition.places.folder)).toMatchObject({
      running: false,
      lastRun: { end: 'self', crashes: 0 },
    });
  });
});

async function createWorld(): Promise<GuestDriverWorld & { end(how: 'self' | 'crash'): void }> {
  const base = mkdtempSync(join(tmpdir(), 'drover-simulated-'));
  const machine = newMachine();
  const folder = `${base}/guests/${ID}`;
  mkdirSync(folder, { recursive: true });
  const disk = { name: 'root', storageId, sizeBytes: 64 * MiB, imageId: null };
  const definition: GuestDefinition = {
    id: ID,
    spec: {
      type: 'container',
      name: 'tiny',
      tags: [],
      notes: '',
      power: 'running',
      powerRequest: 0,
      startAtBoot: false,
      memoryBytes: 64 * MiB,
      cores: 1,
      disks: [disk],
      nics: [{ name: 'net0', networkId: NetworkId.parse('network_simulated1'), mac: '52:54:01:3d:0b:01' }],
      sshKeys: [],
      swapBytes: 0,
      processesMax: 64,
      unprivileged: true,
    },
    places: { folder, disks: [], nics: [], cdromPath: null },
  };
  const end = (how: 'self' | 'crash') => {
    const guest = machine.running.get(ID);
    if (guest) machine.end(guest, how);
  };
  return {
    // The storage has made and attached the disk by the time a guest is defined.
    createDriver() {
      const containers = createSimulatedDrivers({ machine, life: realLife }).guests.container;
      return {
        ...containers,
        define(wanted, signal) {
          machine.folder(folder).disks.set('root', { disk, attached: true });
          return containers.define(wanted, signal);
        },
      };
    },
    definition,
    crash: async () => end('crash'),
    waitUntilOff: async () => {},
    traces: async (id) => (machine.running.has(id) ? ['a process'] : []),
    close: async () => rmSync(base, { recursive: true }),
    end,
  };
}

/** The suite of the storage drivers looks into files, of which there are none here. */
describe('a simulated folder', () => {
  const spec: ImageSpec = { name: 'debian-13', form: 'container', storageId, source: { do: 'build', suite: 'trixie', packages: [] } };
  const imageId = ImageId.parse('image_simulated1');
  const disk = { name: 'root', storageId, sizeBytes: 64 * MiB, imageId } as const;
  const options = { unprivileged: true, signal: never };

  async function withImage() {
    const drivers = createSimulatedDrivers({ machine: newMachine(), life: realLife });
    const storage = drivers.storages.get('directory')?.open(storageId, { path: '/simulated' });
    if (!storage) throw new Error('there is no such driver');
    await storage.ensure(never);
    const { folder } = await storage.stageImage(imageId);
    expect(await storage.listImages()).toEqual([]);
    const { virtualSizeBytes } = await drivers.images.make(spec, folder, silentProgress, never);
    await storage.publishImage(imageId, { name: spec.name, form: spec.form, digest: 'd', virtualSizeBytes }, silentProgress);
    return storage;
  }

  it('refuses settings that it does not know, by name', () => {
    const driver = createSimulatedDrivers({ machine: newMachine(), life: realLife }).storages.get('directory');
    expect(() => driver?.open(storageId, { path: '/simulated', colour: 'red' })).toThrow(expect.objectContaining({ field: 'colour' }));
  });

  it('publishes an image as a whole, once it was made', async () => {
    const storage = await withImage();
    expect(await storage.listImages()).toEqual([
      expect.objectContaining({ id: imageId, name: 'debian-13', form: 'container', digest: 'd' }),
    ]);
    const other = 'image_simulated2';
    await storage.stageImage(other);
    const about = { name: 'other', form: 'container', digest: 'e', virtualSizeBytes: null } as const;
    await expect(storage.publishImage(other, about, silentProgress)).rejects.toMatchObject({ code: 'host-failed' });
  });

  it('keeps an image while a guest stands on it, and a disk until it is removed', async () => {
    const storage = await withImage();
    await storage.ensureDisk(ID, disk, 'container', options);
    await storage.ensureDisk(ID, disk, 'container', options);
    expect(await storage.listGuests()).toEqual([ID]);
    await expect(storage.removeImage(imageId, never)).rejects.toMatchObject({
      code: 'in-use',
      message: expect.stringContaining(String(ID)),
    });
    await storage.removeDisk(ID, disk, 'container', never);
    await storage.removeDisk(ID, disk, 'container', never);
    expect(await storage.diskExists(ID, disk, 'container')).toBe(false);
    await storage.removeImage(imageId, never);
    expect(await storage.listImages()).toEqual([]);
  });

  it('makes no disk of an image that is not there, nor of one of another form', async () => {
    const storage = await withImage();
    const missing = { ...disk, imageId: ImageId.parse('image_notthere') };
    await expect(storage.ensureDisk(ID, missing, 'container', options)).rejects.toMatchObject({ code: 'not-found' });
    await expect(storage.ensureDisk(ID, disk, 'vm', options)).rejects.toMatchObject({ code: 'bad-request', field: 'disks.0.imageId' });
  });
});

/** The suite of the network drivers plugs real devices into real bridges, so it is not for this one. */
describe('a simulated NAT network', () => {
  const open = (config: unknown) =>
    createSimulatedDrivers({ machine: newMachine(), life: realLife }).networks.get('nat')?.open('network_simulated1', config);

  it('takes the settings of the real one, and refuses what it refuses', () => {
    expect(open({ bridge: 'drover0', subnet: '10.86.0.0/24' })?.bridge).toBe('drover0');
    expect(() => open({ bridge: 'drover0', subnet: '8.8.8.0/24' })).toThrow(
      expect.objectContaining({ code: 'bad-request', field: 'config.subnet' }),
    );
  });

  it('is ready once ensured, however often, and not once removed', async () => {
    const network = open({ bridge: 'drover0', subnet: '10.86.0.0/24' });
    expect(await network?.ready()).toBe(false);
    await network?.ensure(never);
    await network?.ensure(never);
    expect(await network?.ready()).toBe(true);
    await network?.remove(never);
    await network?.remove(never);
    expect(await network?.ready()).toBe(false);
  });
});
