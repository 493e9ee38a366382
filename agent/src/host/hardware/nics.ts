import { existsSync } from 'node:fs';
import type { HostNic } from '@drover/shared/model/hardware';
import { known, linkName, namesIn, readLine, readNumber } from './sysfs.ts';

/** The host's own network devices: cards, and the bridges, bonds and VLANs made of them. Guests' ends of wires are the guests'. */
export function readNics(sys = '/sys'): HostNic[] {
  const folder = `${sys}/class/net`;
  return namesIn(folder).flatMap((name) => {
    const at = (file: string): string => `${folder}/${name}/${file}`;
    const kind = kindOf(at);
    if (kind === null) return [];
    const speed = readNumber(at('speed'));
    const carrier = readNumber(at('carrier'));
    return [
      {
        name,
        kind,
        ...known({
          mac: readLine(at('address')),
          driver: linkName(at('device/driver')),
          // A link that is down has none, or the kernel's -1.
          speedMbps: speed !== null && speed > 0 ? speed : null,
          // A device that is switched off does not say.
          link: carrier === null ? null : carrier === 1,
          master: linkName(at('master')),
        }),
      },
    ];
  });
}

function kindOf(at: (file: string) => string): HostNic['kind'] | null {
  if (existsSync(at('bridge'))) return 'bridge';
  if (existsSync(at('bonding'))) return 'bond';
  if (/^DEVTYPE=vlan$/m.test(readLine(at('uevent')) ?? '')) return 'vlan';
  return existsSync(at('device')) ? 'physical' : null;
}
