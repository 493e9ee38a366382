import { describe, expect, it } from 'vitest';
import { dnsmasqConfig, hostFileName, hostLine } from './dnsmasq-config.ts';
import { parseNatSettings } from './nat-settings.ts';

const settings = parseNatSettings({ bridge: 'drover0', subnet: '10.84.0.0/24' });
const places = {
  hostsFolder: '/run/drover/networks/a/hosts',
  leasesPath: '/var/lib/drover/networks/a/leases',
  user: 'dnsmasq',
  resolvPath: '/etc/resolv.conf',
};

describe("dnsmasq's configuration", () => {
  it('serves one bridge and nothing else', async () => {
    await expect(dnsmasqConfig(settings, places)).toMatchFileSnapshot('../../../../test/golden/nat/dnsmasq.conf');
  });

  it('does without a resolver on the host', () => {
    expect(dnsmasqConfig(settings, { ...places, resolvPath: null })).toContain('\nno-resolv\n');
  });

  it.each(['/a\nuser=root', '/a b', '/a"b', '/a#b', 'relative', '/a\\b'])('is not given the path %j', (leasesPath) => {
    expect(() => dnsmasqConfig(settings, { ...places, leasesPath })).toThrow('path');
  });
});

describe('the name of a guest', () => {
  it('is one line for its MAC address', () => {
    expect(hostLine('52:54:01:00:00:64', 'web')).toBe('52:54:01:00:00:64,web\n');
    expect(hostFileName('52:54:01:00:00:64')).toBe('52-54-01-00-00-64');
  });

  it.each(['web,ignore', 'web\nx', '', '-web', 'web.example', 'a b', 'WEB'])('is not %j', (name) => {
    expect(() => hostLine('52:54:01:00:00:64', name)).toThrow('host name');
  });

  it.each(['../../x', '52:54:01:00:00', '52:54:01:00:00:64,set:x', '*:*:*:*:*:*'])('is not bound to the address %j', (mac) => {
    expect(() => hostLine(mac, 'web')).toThrow('MAC');
    expect(() => hostFileName(mac)).toThrow('MAC');
  });
});
