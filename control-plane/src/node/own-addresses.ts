import { networkInterfaces } from 'node:os';

/** Where other machines may reach this one: its IPv4 addresses, the loopback's and those of bridges for guests left out. */
export function ownAddresses(): string[] {
  return Object.entries(networkInterfaces())
    .filter(([name]) => !/^(drover|virbr|lxcbr|docker|veth|tap)/.test(name))
    .flatMap(([, addresses]) => addresses ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
    .map(({ address }) => address);
}
