import { Problem, problemOfInput } from '@drover/shared/lib/problem';
import { z } from 'zod';

/** An IPv4 network of a NAT bridge: the first host is the bridge itself, the rest is handed out. */
export interface Subnet {
  readonly text: string;
  readonly prefix: number;
  readonly gateway: string;
  readonly netmask: string;
  readonly dhcpFirst: string;
  readonly dhcpLast: string;
  readonly leasesMax: number;
}

const PRIVATE_RANGES = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'] as const;
const PREFIX_MIN = 16;
const PREFIX_MAX = 29;

const SubnetText = z.string().superRefine((text, context) => {
  const wrong = whatIsWrongWith(text);
  if (wrong) context.addIssue({ code: 'custom', message: wrong });
});

export const NatSettings = z.strictObject({
  bridge: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,14}$/, 'use 1 to 15 small letters, digits and hyphens, a letter first')
    .meta({ title: 'Bridge', description: 'Name of the bridge on the host; one that the host allows.' }),
  subnet: SubnetText.meta({ title: 'Subnet', description: 'Private IPv4 network, /16 to /29: 10.84.0.0/24.' }),
});
export type NatSettings = z.infer<typeof NatSettings>;

export interface ParsedNatSettings {
  readonly bridge: string;
  readonly subnet: Subnet;
}

/** Settings as somebody typed them. */
export function parseNatSettings(config: unknown): ParsedNatSettings {
  const parsed = z.object({ config: NatSettings }).safeParse({ config });
  if (!parsed.success) throw problemOfInput(parsed.error, 'the settings of the network');
  const { bridge, subnet } = parsed.data.config;
  return { bridge, subnet: subnetOf(subnet) };
}

/** A subnet that has been checked, taken apart. */
export function subnetOf(text: string): Subnet {
  const range = rangeOf(text);
  if (!range) throw new Problem('bad-request', `${text} is not an IPv4 network`, { field: 'config.subnet' });
  return {
    text,
    prefix: range.prefix,
    gateway: addressText(range.first + 1),
    netmask: addressText(range.mask),
    dhcpFirst: addressText(range.first + 2),
    dhcpLast: addressText(range.last - 1),
    leasesMax: range.last - range.first - 2,
  };
}

export function isAddressIn(subnet: Subnet, address: string): boolean {
  const range = rangeOf(subnet.text);
  const value = addressValue(address);
  return range !== null && value !== null && value > range.first && value < range.last;
}

export function overlaps(a: string, b: string): boolean {
  const first = rangeOf(a);
  const second = rangeOf(b);
  return first !== null && second !== null && first.first <= second.last && second.first <= first.last;
}

/** Networks that the host reaches already, from /proc/net/route; without default routes and those of one device. */
export function routesOf(procNetRoute: string, exceptDevice: string): readonly { readonly device: string; readonly subnet: string }[] {
  const routes: { device: string; subnet: string }[] = [];
  for (const line of procNetRoute.split('\n').slice(1)) {
    const [device, destination, , , , , , mask] = line.trim().split(/\s+/);
    if (!device || !destination || !mask || device === exceptDevice) continue;
    const prefix = hexAddress(mask).toString(2).replaceAll('0', '').length;
    if (prefix > 0) routes.push({ device, subnet: `${addressText(hexAddress(destination))}/${prefix}` });
  }
  return routes;
}

function whatIsWrongWith(text: string): string | null {
  const range = rangeOf(text);
  if (!range) return 'write an IPv4 network as 10.84.0.0/24';
  if (range.prefix < PREFIX_MIN || range.prefix > PREFIX_MAX) return `use a prefix between /${PREFIX_MIN} and /${PREFIX_MAX}`;
  if (range.first !== range.written) return `${addressText(range.first)}/${range.prefix} is the network that this address is in`;
  if (!PRIVATE_RANGES.some((outer) => contains(outer, text))) return `use a private network: within ${PRIVATE_RANGES.join(', ')}`;
  return null;
}

function contains(outer: string, inner: string): boolean {
  const a = rangeOf(outer);
  const b = rangeOf(inner);
  return a !== null && b !== null && a.first <= b.first && b.last <= a.last;
}

function rangeOf(text: string) {
  const [address, prefixText, rest] = text.split('/');
  const written = addressValue(address ?? '');
  if (written === null || rest !== undefined || !/^(0|[1-9]\d?)$/.test(prefixText ?? '')) return null;
  const prefix = Number(prefixText);
  if (prefix > 32) return null;
  const size = 2 ** (32 - prefix);
  const first = Math.floor(written / size) * size;
  return { prefix, written, first, last: first + size - 1, mask: 2 ** 32 - size };
}

function addressValue(text: string): number | null {
  const octets = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1);
  if (!octets || octets.some((octet) => Number(octet) > 255 || (octet.length > 1 && octet.startsWith('0')))) return null;
  return octets.reduce((value, octet) => value * 256 + Number(octet), 0);
}

function addressText(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}

/** The kernel prints addresses there as hex of a little-endian word. */
function hexAddress(hex: string): number {
  return (hex.match(/../g) ?? []).reverse().reduce((value, byte) => value * 256 + Number.parseInt(byte, 16), 0);
}
