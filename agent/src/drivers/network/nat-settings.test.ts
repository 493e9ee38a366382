import { describe, expect, it } from 'vitest';
import { isAddressIn, overlaps, parseNatSettings, routesOf, subnetOf } from './nat-settings.ts';

const parse = (subnet: unknown, bridge: unknown = 'drover0') => parseNatSettings({ bridge, subnet });

describe('settings of a NAT network', () => {
  it('take a private network apart: the first host is the bridge, the rest is handed out', () => {
    expect(parse('10.84.0.0/24')).toEqual({
      bridge: 'drover0',
      subnet: {
        text: '10.84.0.0/24',
        prefix: 24,
        gateway: '10.84.0.1',
        netmask: '255.255.255.0',
        dhcpFirst: '10.84.0.2',
        dhcpLast: '10.84.0.254',
        leasesMax: 253,
      },
    });
    expect(subnetOf('192.168.255.248/29')).toMatchObject({
      gateway: '192.168.255.249',
      dhcpFirst: '192.168.255.250',
      dhcpLast: '192.168.255.254',
      leasesMax: 5,
    });
    expect(subnetOf('172.16.0.0/16')).toMatchObject({ netmask: '255.255.0.0', dhcpLast: '172.16.255.254', leasesMax: 65_533 });
  });

  it.each([
    ['8.8.8.0/24', 'private'],
    ['172.15.0.0/16', 'private'],
    ['192.168.0.0/15', 'prefix'],
    ['10.0.0.0/8', 'prefix'],
    ['10.0.0.0/30', 'prefix'],
    ['10.84.0.7/24', '10.84.0.0/24'],
    ['10.84.0.0', 'write'],
    ['10.84.0/24', 'write'],
    ['10.84.0.256/24', 'write'],
    ['010.84.0.0/24', 'write'],
    ['10.84.0.0/024', 'write'],
    ['10.84.0.0/24/1', 'write'],
    ['10.84.0.0/24\n', 'write'],
    ['10.84.0.0/24, 10.85.0.0/24', 'write'],
    ['10.84.0.0/24 }; flush ruleset', 'write'],
    [' 10.84.0.0/24', 'write'],
    ['fd00::/64', 'write'],
  ])('refuse the subnet %j', (subnet, word) => {
    expect(() => parse(subnet)).toThrow(
      expect.objectContaining({ code: 'bad-request', field: 'config.subnet', message: expect.stringContaining(word) }),
    );
  });

  it.each(['', 'A', '0br', '-br', 'br"; drop', 'br\n', 'br,lo', 'br/..', 'a234567890123456', 7])('refuse the bridge %j', (bridge) => {
    expect(() => parse('10.84.0.0/24', bridge)).toThrow(expect.objectContaining({ code: 'bad-request', field: 'config.bridge' }));
  });
});

it('two networks overlap when one lies in the other, in whichever order', () => {
  expect(overlaps('10.0.0.0/16', '10.0.255.0/24')).toBe(true);
  expect(overlaps('10.0.255.0/24', '10.0.0.0/16')).toBe(true);
  expect(overlaps('10.0.0.0/16', '10.1.0.0/16')).toBe(false);
});

it('only addresses of hosts are in a subnet', () => {
  const subnet = subnetOf('10.84.0.0/24');
  const among = ['10.84.0.0', '10.84.0.1', '10.84.0.254', '10.84.0.255', '10.84.1.1', 'x'].filter((address) =>
    isAddressIn(subnet, address),
  );
  expect(among).toEqual(['10.84.0.1', '10.84.0.254']);
});

it('routes are read from the kernel, without default routes and those of our own bridge', () => {
  const text = `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t0002A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
drover0\t0000540A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
`;
  expect(routesOf(text, 'drover0')).toEqual([{ device: 'eth0', subnet: '192.168.2.0/24' }]);
});
