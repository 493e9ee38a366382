import { describe, expect, it } from 'vitest';
import { findCgroups, writeLimits } from './lxc-cgroup.ts';

const V1 = `22 1 0:20 / /proc rw shared:1 - proc proc rw
30 1 0:25 / /sys/fs/cgroup rw - tmpfs tmpfs rw
31 30 0:26 / /sys/fs/cgroup/cpu,cpuacct rw shared:5 - cgroup cgroup rw,cpu,cpuacct
32 30 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
33 30 0:28 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids
34 30 0:29 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd
35 30 0:30 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
`;

describe('control groups', () => {
  it('of the older kind are found one by one, also beside an empty tree of the newer', () => {
    const found = findCgroups(V1);
    expect(found.version).toBe('v1');
    expect(Object.fromEntries(found.byController)).toEqual({
      memory: '/sys/fs/cgroup/memory',
      cpu: '/sys/fs/cgroup/cpu,cpuacct',
      pids: '/sys/fs/cgroup/pids',
    });
    expect(found.all).toContain('/sys/fs/cgroup/unified');
  });

  it('of the newer kind are one tree', () => {
    expect(findCgroups('30 1 0:25 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n').version).toBe('v2');
  });

  it('take limits in whatever order they allow, and say which they refuse for good', () => {
    const left = writeLimits([{ value: '1' }, { value: '2' }], () => '/proc/version');
    expect(left.map(({ value }) => value)).toEqual(['1', '2']);
    expect(writeLimits([{ value: '1' }], () => '/dev/null')).toEqual([]);
  });
});
