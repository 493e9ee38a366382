import { ContainerSpec, MiB, macOf } from '@drover/shared/model/guest';
import { describe, expect, it } from 'vitest';
import { type ContainerConfig, type LxcHost, lxcConfig, vethName } from './lxc-config.ts';
import { kindOf } from './lxc-init.ts';

const spec = ContainerSpec.parse({
  type: 'container',
  name: 'web',
  tags: [],
  notes: 'lxc.hook.start = /bin/sh',
  power: 'running',
  powerRequest: 1,
  startAtBoot: true,
  memoryBytes: 256 * MiB,
  cores: 2,
  disks: [{ name: 'root', storageId: 'storage_00000001', sizeBytes: 1024 * MiB, imageId: 'image_00000001' }],
  nics: [],
  sshKeys: [],
  swapBytes: 64 * MiB,
  processesMax: 1_000,
  unprivileged: true,
});
const container: ContainerConfig = {
  id: 107,
  spec,
  rootfsPath: '/var/lib/drover/storage/guests/107/disks/root/rootfs',
  nics: [{ name: 'net0', mac: macOf(107, 0), bridge: 'drover0' }],
  init: { command: '/sbin/init', ...kindOf('/usr/lib/systemd/systemd') },
  instance: '',
  idShift: { first: 100_000, count: 65_536 },
};
const debian: LxcHost = {
  cgroups: 'v2',
  unitGroups: true,
  controllers: new Set(['memory', 'memory-swap', 'cpu', 'pids', 'devices']),
  seccompProfile: '/usr/share/lxc/config/common.seccomp',
  apparmor: true,
};
const hybrid: LxcHost = { ...debian, cgroups: 'v1', unitGroups: false, apparmor: false };
const bare: LxcHost = { cgroups: 'v1', unitGroups: false, controllers: new Set(), seccompProfile: null, apparmor: false };

const golden = (name: string) => `../../../../test/golden/lxc/${name}.conf`;

describe("a container's configuration", () => {
  it('is unprivileged, limited and confined on a host of today', async () => {
    await expect(lxcConfig(container, debian)).toMatchFileSnapshot(golden('unprivileged-v2'));
  });

  it('sets the same limits by the keys of the older control groups', async () => {
    await expect(lxcConfig(container, hybrid)).toMatchFileSnapshot(golden('unprivileged-v1'));
  });

  it('takes more away from a privileged container, and gives it no foreign ids', async () => {
    const privileged = { ...container, spec: { ...spec, unprivileged: false } };
    await expect(lxcConfig(privileged, debian)).toMatchFileSnapshot(golden('privileged-v2'));
  });

  it('leaves out what the host cannot do', async () => {
    const alone = { ...container, nics: [], init: { command: '/sbin/init', ...kindOf('/bin/busybox') } };
    await expect(lxcConfig(alone, bare)).toMatchFileSnapshot(golden('bare-host'));
  });

  it('gives each NIC a wire of its own', async () => {
    const nics = [0, 1].map((index) => ({ name: `net${index}`, mac: macOf(107, index), bridge: `drover${index}` }));
    const text = lxcConfig({ ...container, nics }, debian);
    expect(text.match(/^lxc\.net\.\d\.(veth\.pair|name|link|hwaddr) = .*$/gm)).toEqual([
      'lxc.net.0.veth.pair = veth107i0',
      'lxc.net.0.link = drover0',
      `lxc.net.0.hwaddr = ${macOf(107, 0)}`,
      'lxc.net.0.name = eth0',
      'lxc.net.1.veth.pair = veth107i1',
      'lxc.net.1.link = drover1',
      `lxc.net.1.hwaddr = ${macOf(107, 1)}`,
      'lxc.net.1.name = eth1',
    ]);
  });

  it.each(['/a\nlxc.hook.start = /bin/sh', '/a\r', '/a ', '"/a"', "/a'", '/a\0'])(
    'refuses a value that would mean more: %j',
    (rootfsPath) => {
      expect(() => lxcConfig({ ...container, rootfsPath }, debian)).toThrow('cannot be written');
    },
  );

  it('never has a name for a device that the kernel would refuse, nor the same one twice', () => {
    const names = ['', 'a', 'abc'].flatMap((instance) =>
      [100, 9_999_999].flatMap((id) => [0, 15].map((index) => vethName(instance, id, index))),
    );
    expect(names.filter((name) => name.length > 15)).toEqual([]);
    expect(new Set(names).size).toBe(names.length);
  });
});
