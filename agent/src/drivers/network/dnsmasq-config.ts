import type { ParsedNatSettings } from './nat-settings.ts';

/** The domain of guests' names; .internal is reserved for private use. */
export const GUEST_DOMAIN = 'drover.internal';
const LEASE_TIME = '1h';

export interface DnsmasqPlaces {
  readonly hostsFolder: string;
  readonly leasesPath: string;
  /** The user that it becomes; null: it stays root. */
  readonly user: string | null;
  /** Where upstream resolvers are read from; null: the host has none. */
  readonly resolvPath: string | null;
}

/** The configuration file of one network's dnsmasq. It serves its bridge and nothing else on the host. */
export function dnsmasqConfig({ bridge, subnet }: ParsedNatSettings, places: DnsmasqPlaces): string {
  const lines = [
    `interface=${bridge}`,
    // Without this one it would answer on the loopback device too.
    'except-interface=lo',
    'bind-dynamic',
    'pid-file=',
    `user=${places.user ?? 'root'}`,
    'log-facility=-',
    'quiet-dhcp',
    'no-hosts',
    places.resolvPath === null ? 'no-resolv' : `resolv-file=${path(places.resolvPath)}`,
    'domain-needed',
    'bogus-priv',
    `domain=${GUEST_DOMAIN}`,
    `local=/${GUEST_DOMAIN}/`,
    `dhcp-range=${subnet.dhcpFirst},${subnet.dhcpLast},${subnet.netmask},${LEASE_TIME}`,
    `dhcp-lease-max=${subnet.leasesMax}`,
    `dhcp-leasefile=${path(places.leasesPath)}`,
    `dhcp-hostsdir=${path(places.hostsFolder)}`,
    // Only names that we gave: a guest cannot take another's by asking for it.
    'dhcp-ignore-names=tag:!known',
    'dhcp-authoritative',
    'dhcp-rapid-commit',
    // The probe before an offer costs three seconds; on this bridge nobody else hands out addresses.
    'no-ping',
  ];
  return `${lines.join('\n')}\n`;
}

const MAC = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/;
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** One line of the hosts folder: gives a name to a MAC address. Refuses what would mean more than that. */
export function hostLine(mac: string, name: string): string {
  if (!MAC.test(mac)) throw new Error(`not a MAC address: ${JSON.stringify(mac)}`);
  if (!LABEL.test(name)) throw new Error(`not a host name: ${JSON.stringify(name)}`);
  return `${mac},${name}\n`;
}

export function hostFileName(mac: string): string {
  if (!MAC.test(mac)) throw new Error(`not a MAC address: ${JSON.stringify(mac)}`);
  return mac.replaceAll(':', '-');
}

/** dnsmasq takes quotes, backslashes and comment signs as its own. */
function path(text: string): string {
  if (!/^\/[A-Za-z0-9/_.:@+-]*$/.test(text)) throw new Error(`dnsmasq cannot be given this path: ${JSON.stringify(text)}`);
  return text;
}
