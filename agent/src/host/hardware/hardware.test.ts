import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readPci, readUsb } from './devices.ts';
import { fitted } from './fit.ts';
import { parseIds } from './id-names.ts';
import { parseLsblk } from './lsblk.ts';
import { parseRelease, readMachine } from './machine.ts';
import { readNics } from './nics.ts';
import { parseDpkg } from './packages.ts';
import { parseCpuinfo, readNuma } from './processor.ts';
import { parseSmart } from './smart.ts';

/** A /sys of this test's own. */
let sys: string;
beforeEach(() => {
  sys = mkdtempSync(join(tmpdir(), 'drover-sys-'));
});
afterEach(() => rmSync(sys, { recursive: true, force: true }));

function files(all: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(all)) {
    mkdirSync(join(sys, dirname(path)), { recursive: true });
    writeFileSync(join(sys, path), `${text}\n`);
  }
}
function link(path: string, target: string): void {
  mkdirSync(join(sys, dirname(path)), { recursive: true });
  symlinkSync(target, join(sys, path));
}

const cpu = (number: number, socket: number, core: number): string =>
  `processor\t: ${number}\nvendor_id\t: GenuineIntel\nmodel name\t: Intel(R) Xeon(R) E-2388G\nmicrocode\t: 0x57\nphysical id\t: ${socket}\ncore id\t\t: ${core}\nflags\t\t: fpu vme vmx aes\n`;

describe('processors', () => {
  it('are counted by sockets, cores and threads', () => {
    const text = [cpu(0, 0, 0), cpu(1, 0, 0), cpu(2, 1, 0), cpu(3, 1, 0)].join('\n');
    expect(parseCpuinfo(text)).toEqual({
      about: { vendor: 'GenuineIntel', sockets: 2, cores: 2, threads: 4, virtualization: 'vmx', microcode: '0x57' },
      model: 'Intel(R) Xeon(R) E-2388G',
      flags: ['fpu', 'vme', 'vmx', 'aes'],
    });
  });

  it('of arm64, which tells no topology, have none', () => {
    expect(parseCpuinfo('processor\t: 0\nFeatures\t: fp asimd\n\nprocessor\t: 1\nFeatures\t: fp asimd\n')).toEqual({
      about: { threads: 2, virtualization: null },
      model: null,
      flags: ['fp', 'asimd'],
    });
  });

  it('stand in NUMA nodes with their memory', () => {
    files({
      'devices/system/node/node0/meminfo': 'Node 0 MemTotal:       16384 kB\nNode 0 MemFree:  1 kB',
      'devices/system/node/node0/cpulist': '0-7,16-23',
      'devices/system/node/possible': '0',
    });
    expect(readNuma(sys)).toEqual([{ node: 0, cpus: '0-7,16-23', memoryBytes: 16384 * 1024 }]);
  });
});

describe('the machine', () => {
  it('is what its firmware says, without what its maker left unsaid', () => {
    files({
      'class/dmi/id/sys_vendor': 'Dell Inc.',
      'class/dmi/id/product_name': 'To Be Filled By O.E.M.',
      'class/dmi/id/chassis_type': '23',
    });
    expect(readMachine('none', sys)).toEqual({ vendor: 'Dell Inc.', chassis: 'server', virtual: null });
    expect(readMachine('kvm', sys)).toMatchObject({ virtual: 'kvm' });
    expect(readMachine(null, sys)).not.toHaveProperty('virtual');
  });

  it('runs a release of Debian, or one without a number', () => {
    expect(parseRelease('ID=debian\nVERSION_ID="13"\nVERSION_CODENAME=trixie\n')).toEqual({ version: '13', codename: 'trixie' });
    expect(parseRelease('PRETTY_NAME="Debian GNU/Linux forky/sid"\n')).toBeNull();
  });

  it('has packages, of which those that were removed are none', () => {
    expect(parseDpkg('installed lxc 1:6.0.4-4+b3\nconfig-files ovmf 2025.02-8\nnot-installed swtpm \n')).toEqual([
      { name: 'lxc', version: '1:6.0.4-4+b3' },
    ]);
  });
});

describe('disks', () => {
  const LSBLK = JSON.stringify({
    blockdevices: [
      { name: 'loop0', type: 'loop', size: 4096, rota: false, mountpoints: [null] },
      { name: 'zram0', type: 'disk', size: 4096, rota: false, mountpoints: ['[SWAP]'] },
      { name: 'sr0', type: 'rom', size: 1073741312, rota: true, mountpoints: [null] },
      {
        ...{ name: 'nvme0n1', type: 'disk', size: 512110190592, model: 'SAMSUNG MZVL2512 ', serial: 'S64KNE', rota: false, tran: 'nvme' },
        mountpoints: [null],
        children: [
          { name: 'nvme0n1p1', type: 'part', size: 1, fstype: 'vfat', mountpoints: ['/boot/efi'] },
          { name: 'nvme0n1p2', type: 'part', size: 1, fstype: 'ext4', mountpoints: ['/', '/var/lib'] },
          { name: 'nvme0n1p3', type: 'part', size: 1, fstype: 'swap', mountpoints: ['[SWAP]'] },
          {
            ...{ name: 'nvme0n1p4', type: 'part', size: 1, fstype: 'LVM2_member', mountpoints: [null] },
            children: [{ name: 'vg-data', type: 'lvm', size: 1, fstype: 'xfs', mountpoints: ['/data'] }],
          },
        ],
      },
      {
        name: 'sda',
        type: 'disk',
        size: 8001563222016,
        model: null,
        serial: null,
        rota: true,
        tran: 'sata',
        fstype: 'zfs_member',
        label: 'tank',
        mountpoints: [null],
      },
      { name: 'sdb', type: 'disk', size: 8001563222016, rota: true, mountpoints: [null] },
    ],
  });

  it('are those of the machine itself, each with what it is used for', () => {
    expect(parseLsblk(LSBLK)).toEqual([
      {
        name: 'nvme0n1',
        sizeBytes: 512110190592,
        model: 'SAMSUNG MZVL2512',
        serial: 'S64KNE',
        rotational: false,
        transport: 'nvme',
        usedBy: ['/boot/efi (vfat)', '/ (ext4)', '/var/lib (ext4)', 'swap', 'LVM', '/data (xfs)'],
      },
      { name: 'sda', sizeBytes: 8001563222016, rotational: true, transport: 'sata', usedBy: ['ZFS pool tank'] },
      { name: 'sdb', sizeBytes: 8001563222016, rotational: true, usedBy: [] },
    ]);
  });

  it('that say how they are are believed', () => {
    const nvme = (more: object) => JSON.stringify({ smart_status: { passed: true }, power_on_time: { hours: 12345 }, ...more });
    expect(parseSmart(nvme({ nvme_smart_health_information_log: { percentage_used: 3, critical_warning: 0 } }))).toEqual({
      state: 'good',
      worn: 0.03,
      poweredOnHours: 12300,
    });
    expect(parseSmart(nvme({ nvme_smart_health_information_log: { percentage_used: 110, critical_warning: 4 } })).state).toBe('failing');
    expect(parseSmart(JSON.stringify({ smart_status: { passed: false } })).state).toBe('failing');
  });

  it('that say nothing are unknown, with the reason', () => {
    const refused = { smartctl: { messages: [{ string: '/dev/vda: Unable to detect device type', severity: 'error' }] } };
    expect(parseSmart(JSON.stringify(refused))).toEqual({ state: 'unknown', detail: 'smartctl: /dev/vda: Unable to detect device type' });
    expect(parseSmart('').state).toBe('unknown');
    expect(parseSmart('{}')).toEqual({ state: 'unknown', detail: 'the disk does not say' });
  });
});

describe('network devices', () => {
  it("are the host's own: cards, and what is made of them; no guest's wire", () => {
    files({
      'class/net/lo/address': '00:00:00:00:00:00',
      'class/net/eno1/address': '3c:ec:ef:00:11:22',
      'class/net/eno1/speed': '10000',
      'class/net/eno1/carrier': '1',
      'class/net/eno2/address': '3c:ec:ef:00:11:23',
      'class/net/eno2/speed': '-1',
      'class/net/eno2/carrier': '0',
      'class/net/eno2/device/vendor': '0x8086',
      'class/net/vmbr0/bridge/stp_state': '0',
      'class/net/vmbr0/carrier': '1',
      'class/net/bond0/bonding/mode': 'active-backup 1',
      'class/net/eno1.7/uevent': 'DEVTYPE=vlan\nINTERFACE=eno1.7',
      'class/net/tap107i0/tun_flags': '0x1002',
      'class/net/veth108i0/address': 'fe:00:00:00:00:01',
    });
    link('class/net/eno1/device/driver', '../../../bus/pci/drivers/ixgbe');
    link('class/net/eno1/master', '../vmbr0');
    expect(readNics(sys)).toEqual([
      { name: 'bond0', kind: 'bond' },
      { name: 'eno1', kind: 'physical', mac: '3c:ec:ef:00:11:22', driver: 'ixgbe', speedMbps: 10000, link: true, master: 'vmbr0' },
      { name: 'eno1.7', kind: 'vlan' },
      { name: 'eno2', kind: 'physical', mac: '3c:ec:ef:00:11:23', link: false },
      { name: 'vmbr0', kind: 'bridge', link: true },
    ]);
  });
});

const PCI_IDS = `# comment
8086  Intel Corporation
\t1533  I210 Gigabit Network Connection
\t\t8086 0001  A card with it
10de  NVIDIA Corporation
\t1eb8  TU104GL [Tesla T4]
C 02  Network controller
\t00  Ethernet controller
C 03  Display controller
`;

describe('devices', () => {
  it('are called what the list of ids calls them, and known by their numbers without it', () => {
    files({
      'bus/pci/devices/0000:01:00.0/vendor': '0x8086',
      'bus/pci/devices/0000:01:00.0/device': '0x1533',
      'bus/pci/devices/0000:01:00.0/class': '0x020000',
      'bus/pci/devices/0000:02:00.0/vendor': '0x8086',
      'bus/pci/devices/0000:02:00.0/device': '0xffff',
      'bus/pci/devices/0000:02:00.0/class': '0x030200',
    });
    link('bus/pci/devices/0000:01:00.0/driver', '../../../drivers/igb');
    link('bus/pci/devices/0000:01:00.0/iommu_group', '../../../../kernel/iommu_groups/14');
    const named = { class: 'Ethernet controller', name: 'Intel Corporation I210 Gigabit Network Connection' };
    const bare = { slot: '0000:01:00.0', ids: '8086:1533', driver: 'igb', iommuGroup: 14 };
    expect(readPci(sys, (path) => (path === '/usr/share/misc/pci.ids' ? PCI_IDS : null))).toEqual([
      { ...bare, ...named },
      { slot: '0000:02:00.0', ids: '8086:ffff', class: 'Display controller', name: 'Intel Corporation device ffff' },
    ]);
    expect(readPci(sys, () => null)[0]).toEqual(bare);
  });

  it('on USB say themselves what they are; hubs and interfaces are none', () => {
    files({
      'bus/usb/devices/usb1/idVendor': '1d6b',
      'bus/usb/devices/usb1/idProduct': '0002',
      'bus/usb/devices/usb1/bDeviceClass': '09',
      'bus/usb/devices/1-1/idVendor': '1050',
      'bus/usb/devices/1-1/idProduct': '0407',
      'bus/usb/devices/1-1/bDeviceClass': '00',
      'bus/usb/devices/1-1/manufacturer': 'Yubico',
      'bus/usb/devices/1-1/product': 'YubiKey',
      'bus/usb/devices/1-1:1.0/bInterfaceClass': '03',
    });
    expect(readUsb(sys, () => null)).toEqual([{ port: '1-1', ids: '1050:0407', name: 'Yubico YubiKey' }]);
  });

  it('of a maker that nobody asked for are not kept', () => {
    const ids = parseIds(PCI_IDS, new Set(['8086']));
    expect([ids.device('8086', '1533'), ids.device('10de', '1eb8'), ids.class('03', '02')]).toEqual([
      'Intel Corporation I210 Gigabit Network Connection',
      null,
      'Display controller',
    ]);
  });
});

describe('all of it', () => {
  const lists = { processorFlags: ['fpu'], numa: [], disks: [], nics: [], usb: [] };
  const device = (index: number) => ({ slot: `0000:${index}`, ids: '8086:1533', name: 'x'.repeat(80) });

  it('fits into one message, and says what was cut', () => {
    const hardware = fitted({ ...lists, pci: Array.from({ length: 2_000 }, (_, index) => device(index)) });
    expect(JSON.stringify(hardware).length).toBeLessThan(64 * 1024);
    expect(hardware.cut).toEqual(['pci']);
    expect(hardware.pci.length).toBeGreaterThan(200);
  });

  it('is known by its digest', () => {
    const [one, same, other] = [
      fitted({ ...lists, pci: [device(1)] }),
      fitted({ ...lists, pci: [device(1)] }),
      fitted({ ...lists, pci: [] }),
    ];
    expect(same.digest).toBe(one.digest);
    expect(other.digest).not.toBe(one.digest);
  });
});
