import type { PciDevice, UsbDevice } from '@drover/shared/model/hardware';
import { type IdNames, parseIds } from './id-names.ts';
import { known, linkName, namesIn, readLine, readNumber } from './sysfs.ts';

/** Where Debian's packages pci.ids and usb.ids (and usbutils before them) put their lists. `read` gives null where there is none. */
const PCI_IDS = ['/usr/share/misc/pci.ids', '/usr/share/hwdata/pci.ids'];
const USB_IDS = ['/usr/share/misc/usb.ids', '/var/lib/usbutils/usb.ids'];

/** The kernel writes 0x8086. */
const hexOf = (text: string | null, digits: number): string | null =>
  text === null ? null : text.replace(/^0x/, '').padStart(digits, '0');

export function readPci(sys = '/sys', read: (path: string) => string | null = readLine): PciDevice[] {
  const folder = `${sys}/bus/pci/devices`;
  const found = namesIn(folder).flatMap((slot) => {
    const at = (file: string): string => `${folder}/${slot}/${file}`;
    const vendor = hexOf(readLine(at('vendor')), 4);
    const device = hexOf(readLine(at('device')), 4);
    return vendor === null || device === null ? [] : [{ slot, at, vendor, device, class: hexOf(readLine(at('class')), 6) ?? '' }];
  });
  const names = namesFrom(PCI_IDS, new Set(found.map(({ vendor }) => vendor)), read);
  return found.map(({ slot, at, vendor, device, class: code }) => ({
    slot,
    ids: `${vendor}:${device}`,
    ...known({
      class: names?.class(code.slice(0, 2), code.slice(2, 4)),
      name: names?.device(vendor, device),
      driver: linkName(at('driver')),
      iommuGroup: groupOf(linkName(at('iommu_group'))),
    }),
  }));
}

export function readUsb(sys = '/sys', read: (path: string) => string | null = readLine): UsbDevice[] {
  const folder = `${sys}/bus/usb/devices`;
  const found = namesIn(folder).flatMap((port) => {
    const at = (file: string): string => `${folder}/${port}/${file}`;
    const vendor = readLine(at('idVendor'));
    const device = readLine(at('idProduct'));
    // Interfaces of devices have no ids; hubs are class 9, and nothing that a guest could be given.
    return vendor === null || device === null || readNumber(at('bDeviceClass')) === 9 ? [] : [{ port, at, vendor, device }];
  });
  const names = namesFrom(USB_IDS, new Set(found.map(({ vendor }) => vendor)), read);
  return found.map(({ port, at, vendor, device }) => {
    const own = [readLine(at('manufacturer')), readLine(at('product'))].filter((part) => part !== null).join(' ');
    return {
      port,
      ids: `${vendor}:${device}`,
      ...known({ name: own || names?.device(vendor, device), serial: readLine(at('serial')) }),
    };
  });
}

const groupOf = (name: string | null): number | null => (name === null || !/^\d+$/.test(name) ? null : Number(name));

function namesFrom(paths: readonly string[], vendors: ReadonlySet<string>, read: (path: string) => string | null): IdNames | null {
  if (vendors.size === 0) return null;
  for (const path of paths) {
    const text = read(path);
    if (text !== null) return parseIds(text, vendors);
  }
  return null;
}
