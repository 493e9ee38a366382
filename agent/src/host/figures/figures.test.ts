import { describe, expect, it } from 'vitest';
import { createGauges, ownGroup } from './look.ts';
import {
  flowOf,
  parseCpuStat,
  parseCpuTicks,
  parseDiskstats,
  parseIoStat,
  parseLoad,
  parseMeminfo,
  parseMemoryUsed,
  parseNetDev,
  parsePressure,
  parseProcessIo,
  parseProcessTicks,
  parseResident,
  parseUnifiedGroup,
} from './proc.ts';
import { createRates } from './rates.ts';

describe('what the kernel counts', () => {
  it('of the host', () => {
    expect(parseLoad('2.18 1.25 1.40 4/161 27371\n')).toEqual([2.18, 1.25, 1.4]);
    expect(parseCpuTicks('cpu  100 10 40 800 50 0 5 20 7 3\ncpu0 1 1 1 1\n')).toEqual({ busy: 175, total: 1025 });
    expect(parseMeminfo('MemTotal:       1000 kB\nMemFree: 1 kB\nMemAvailable:    400 kB\nSwapTotal:  0 kB\nSwapFree:  0 kB\n')).toEqual({
      memory: { totalBytes: 1000 * 1024, usedBytes: 600 * 1024, availableBytes: 400 * 1024 },
      swap: { totalBytes: 0, usedBytes: 0 },
    });
    expect(parsePressure('some avg10=12.50 avg60=1.00 avg300=0.00 total=1\nfull avg10=1.00 avg60=0.00 avg300=0.00 total=1\n')).toEqual({
      some: 0.125,
      full: 0.01,
    });
    expect(parsePressure('some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n')).toEqual({ some: 0 });
  });

  it('of disks, each once', () => {
    const text =
      '   8       0 sda 10 0 100 5 20 0 200 5 0 1 1\n   8       1 sda1 10 0 90 5 20 0 190 5 0 1 1\n 254       0 vda 1 0 2 1 1 0 4 1\n';
    expect(parseDiskstats(text, new Set(['sda', 'vda']))).toEqual({ in: 102 * 512, out: 204 * 512 });
    expect(parseDiskstats(text, new Set(['sdz']))).toBeNull();
  });

  it('of network devices', () => {
    const text = `Inter-|   Receive  |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 17096841195 57806164    0 1133    0     0          0         0 17096841195 57806164    0    0    0     0       0          0
tap107i0:     120       2    0    0    0     0          0         0        90       1    0    0    0     0       0          0
`;
    const devices = parseNetDev(text);
    expect(devices.get('lo')).toEqual({ in: 17096841195, out: 17096841195 });
    expect(flowOf(devices, ['tap107i0', 'tap107i1'])).toEqual({ in: 120, out: 90 });
    expect(flowOf(devices, ['tap9i0'])).toBeNull();
  });

  it('of a group', () => {
    expect(parseCpuStat('usage_usec 2500000\nuser_usec 1\n')).toBe(2.5);
    expect(parseMemoryUsed('5000\n', 'anon 1\ninactive_file 2000\n')).toBe(3000);
    expect(parseMemoryUsed('', '')).toBeNull();
    expect(parseIoStat('254:0 rbytes=100 wbytes=200 rios=1 wios=2\n8:0 rbytes=1 wbytes=2\n')).toEqual({ in: 101, out: 202 });
    expect(parseIoStat('')).toEqual({ in: 0, out: 0 });
    expect(parseUnifiedGroup('12:pids:/x\n0::/drover.slice/drover-vm-107.service\n')).toBe('/drover.slice/drover-vm-107.service');
    expect(parseUnifiedGroup('12:pids:/x\n')).toBeNull();
  });

  it('of a process, whatever it is called', () => {
    const stat = `107 (qemu (x) 1) S ${[...Array(10).keys()].join(' ')} 250 50 0 0`;
    expect(parseProcessTicks(stat)).toBe(300);
    expect(parseProcessTicks('')).toBeNull();
    expect(parseResident('Name:\tqemu\nVmRSS:\t  1024 kB\n')).toBe(1024 * 1024);
    expect(parseProcessIo('rchar: 9\nread_bytes: 4096\nwrite_bytes: 8192\n')).toEqual({ in: 4096, out: 8192 });
    expect(parseProcessIo('')).toBeNull();
  });
});

it('a container is measured as a whole, also with a systemd in it; a VM by its unit; nobody by the agent that started it', () => {
  expect(ownGroup('/drover.slice/drover-container-101.service/lxc.payload.drover-101/init.scope', 'container')).toBe(
    '/drover.slice/drover-container-101.service/lxc.payload.drover-101',
  );
  expect(ownGroup('/drover.slice/drover-vm-107.service', 'vm')).toBe('/drover.slice/drover-vm-107.service');
  expect(ownGroup('/system.slice/drover-agent.service', 'vm')).toBeNull();
  expect(ownGroup('/user.slice/session-1.scope', 'vm')).toBeNull();
  expect(ownGroup(null, 'container')).toBeNull();
});

describe('a rate', () => {
  it('needs two looks, and is not known when the counter began anew', () => {
    const rates = createRates();
    const at = (value: number, atMs: number) => {
      const rate = rates.of('x', value, atMs);
      rates.sweep();
      return rate;
    };
    expect([at(100, 1_000), at(400, 3_000), at(50, 5_000), at(50, 6_000)]).toEqual([null, 150, null, 0]);
  });

  it('of what was not looked at meanwhile is not known', () => {
    const rates = createRates();
    rates.of('x', 1, 1_000);
    rates.sweep();
    rates.sweep();
    expect(rates.of('x', 2, 2_000)).toBeNull();
  });
});

it('this very machine is measured without a program, and its guest that is gone is not', () => {
  const gauges = createGauges();
  gauges.look([]);
  const { host, guests } = gauges.look([{ id: 107, type: 'vm', pid: 4_194_999, startTicks: 1, wires: ['tap107i0'] }]);
  expect(host.memory?.totalBytes).toBeGreaterThan(0);
  expect(host.load).toHaveLength(3);
  expect(guests).toEqual([{ id: 107 }]);
});
