import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ContainerSpec } from '@drover/shared/model/guest';
import { MiB } from '@drover/shared/model/guest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GuestDefinition, GuestDriver } from '../../agent/src/drivers/guest/driver.ts';
import { createLxcWorld, type LxcWorld } from './lxc-world.ts';
import { canMakeTinyRootfs } from './tiny-container.ts';

const ID = 4_000_202;
const never = new AbortController().signal;

/** What containers do to the host and the host to containers, beyond what every guest driver owes. */
describe.skipIf(!canMakeTinyRootfs())('containers on this host', () => {
  let world: LxcWorld;
  let driver: GuestDriver;
  let folder: string;
  let definition: LxcWorld['definition'];

  beforeAll(async () => {
    world = await createLxcWorld(ID, 'th');
    driver = world.createDriver();
    definition = world.definition;
    folder = definition.places.folder;
  }, 60_000);
  afterAll(async () => {
    await driver?.stop(ID, folder, never);
    await world?.close();
  }, 60_000);

  const withSpec = (change: Partial<ContainerSpec>): GuestDefinition => ({ ...definition, spec: { ...definition.spec, ...change } });
  const observe = () => driver.observe(ID, folder);

  async function run(...command: string[]): Promise<string> {
    const stream = await driver.exec(ID, folder, command, false);
    let text = '';
    stream.onOutput((_channel, bytes) => {
      text += Buffer.from(bytes).toString();
    });
    stream.endInput();
    const { code } = await stream.ended;
    expect(code, `${command.join(' ')}: ${text}`).toBe(0);
    return text.trim();
  }

  it('never writes through a link that an image or a guest has laid', async () => {
    const outside = join(folder, 'outside');
    mkdirSync(outside);
    writeFileSync(join(outside, 'file'), 'of the host');
    symlinkSync(join(outside, 'file'), join(world.rootfs, 'etc/hostname'));
    rmSync(join(world.rootfs, 'root'), { recursive: true });
    symlinkSync(outside, join(world.rootfs, 'root'));
    await expect(driver.define(definition, never)).rejects.toMatchObject({ code: 'unsupported' });
    expect(readdirSync(outside)).toEqual(['file']);
    expect(readFileSync(join(outside, 'file'), 'utf8')).toBe('of the host');
    rmSync(join(world.rootfs, 'root'));
    mkdirSync(join(world.rootfs, 'root'));
    execFileSync('chown', ['100000:100000', join(world.rootfs, 'root')]);
    rmSync(outside, { recursive: true });
  });

  it('is unprivileged, has its name and its keys, and owns its files', async () => {
    await driver.define(definition, never);
    await driver.start(withSpec({ powerRequest: 1 }), never);
    expect(await run('cat', '/proc/self/uid_map')).toMatch(/^0\s+100000\s+65536$/);
    await expect.poll(() => run('hostname')).toBe('tiny');
    expect(await run('grep', 'tiny', '/etc/hosts')).toBe('127.0.1.1\ttiny');
    expect(await run('cat', '/root/.ssh/authorized_keys')).toBe(definition.spec.sshKeys[0]);
    expect(await run('stat', '-c', '%u %a', '/root/.ssh', '/root/.ssh/authorized_keys')).toBe('0 700\n0 600');
    expect(statSync(join(world.rootfs, 'etc/hostname')).uid).toBe(100_000);
  });

  it('programs begin at home with an environment of their own', async () => {
    process.env.DROVER_SECRET_OF_THE_AGENT = 'x';
    const environment = await run('env');
    process.env.DROVER_SECRET_OF_THE_AGENT = undefined;
    expect(environment).not.toContain('DROVER');
    expect(environment).toContain('PATH=/usr/local/sbin:');
    expect(await run('pwd')).toBe('/root');
  });

  it('has a wire of its own with the address it was given', async () => {
    expect(await run('cat', '/sys/class/net/eth0/address')).toBe(definition.spec.nics[0]?.mac);
    expect(existsSync(`/sys/class/net/drvtestlxc/brif/vethth${ID}i0`)).toBe(true);
  });

  it('cannot have more processes than it may, and new limits count at once', async () => {
    const many = await driver.exec(ID, folder, ['sh', '-c', 'n=0; while [ $n -lt 300 ]; do sleep 54321 & n=$((n+1)); done; wait'], false);
    many.onOutput(() => {});
    expect((await many.ended).code).not.toBe(0);
    const swarm = processesNamed('sleep\x0054321\0');
    expect(swarm.length).toBeGreaterThan(64);
    expect(swarm.length).toBeLessThan(128);
    for (const pid of swarm) process.kill(pid, 'SIGKILL');
    await expect.poll(() => Number(controlGroup(world)('pids', 'pids.current'))).toBeLessThan(64);
    await driver.define(withSpec({ memoryBytes: 128 * MiB, swapBytes: 16 * MiB, cores: 2, processesMax: 256 }), never);
    expect(limitsOf(world)).toEqual({ memory: 128 * MiB, processes: 256, cores: 2 });
    expect((await observe())?.needsRestart).toEqual([]);
    await driver.define(definition, never);
    expect(limitsOf(world)).toEqual({ memory: 64 * MiB, processes: 128, cores: 1 });
  });

  it('keeps what it runs with when it cannot have less, and says so', async () => {
    await run(
      'sh',
      '-c',
      'mkdir -p /tmp/memory && mount -t tmpfs none /tmp/memory && dd if=/dev/zero of=/tmp/memory/full bs=1M count=40 2>/dev/null',
    );
    await driver.define(withSpec({ memoryBytes: 20 * MiB }), never);
    expect(await observe()).toMatchObject({ running: true, needsRestart: expect.arrayContaining(['memoryBytes']) });
    await run('umount', '/tmp/memory');
    await driver.define(definition, never);
    expect((await observe())?.needsRestart).toEqual([]);
  });

  it('takes a new name while it runs, and keeps it', async () => {
    await driver.define(withSpec({ name: 'renamed' }), never);
    expect(await run('hostname')).toBe('renamed');
    expect(await run('cat', '/etc/hostname')).toBe('renamed');
    expect((await observe())?.needsRestart).toEqual([]);
    await driver.define(definition, never);
  });

  it('says which settings wait for the next start, and a polite reboot brings them', async () => {
    const changed = withSpec({ nics: [], powerRequest: 1 });
    const bare = { ...changed, places: { ...changed.places, nics: [] } };
    await driver.define(bare, never);
    expect((await observe())?.needsRestart).toEqual(['nics']);
    await driver.reboot(bare, false, never);
    expect(await observe()).toMatchObject({ running: true, needsRestart: [] });
    expect(await run('ls', '/sys/class/net')).toBe('lo');
    await driver.define(definition, never);
    await driver.reboot(withSpec({ powerRequest: 1 }), true, never);
  });

  it('stays up through a reboot of its own', async () => {
    const before = await observe();
    // When it began: the number of a namespace may be given again.
    const boot = () => run('cut', '-d', ' ', '-f', '22', '/proc/1/stat');
    const first = await boot();
    await run('sh', '-c', '(sleep 0.1; reboot -f) >/dev/null 2>&1 &');
    await expect.poll(() => boot().catch(() => first), { timeout: 20_000 }).not.toBe(first);
    expect(await observe()).toEqual(before);
  });

  it('is found when its run-time files are lost, and when the first of its holders is killed', async () => {
    const record = join(world.runPath, 'containers', String(ID), 'container.json');
    const text = readFileSync(record, 'utf8');
    rmSync(record);
    driver = world.createDriver();
    expect(await observe()).toMatchObject({ running: true });
    expect(await driver.list([])).toContain(ID);
    writeFileSync(record, text);
    process.kill(world.processes()[0] ?? 0, 'SIGKILL');
    driver = world.createDriver();
    expect(await observe()).toMatchObject({ running: true });
    await driver.stop(ID, folder, never);
    expect(await world.traces(ID)).toEqual([]);
    expect(await observe()).toMatchObject({ running: false, lastRun: { end: 'asked' } });
  });

  it('starts although an earlier run has left control groups behind', async () => {
    const [memory] = readdirSync('/sys/fs/cgroup').includes('memory') ? ['/sys/fs/cgroup/memory'] : ['/sys/fs/cgroup'];
    mkdirSync(join(memory ?? '', `lxc.payload.droverth-${ID}`, 'below'), { recursive: true });
    await driver.start(withSpec({ powerRequest: 2 }), never);
    expect(await observe()).toMatchObject({ running: true });
    await driver.stop(ID, folder, never);
    expect(await world.traces(ID)).toEqual([]);
  });

  it('does not start from a root file system without init, and leaves nothing', async () => {
    rmSync(join(world.rootfs, 'sbin/init'));
    await expect(driver.start(withSpec({ powerRequest: 3 }), never)).rejects.toMatchObject({ code: 'unsupported' });
    expect(await world.traces(ID)).toEqual([]);
  });
});

function processesNamed(commandLine: string): readonly number[] {
  return readdirSync('/proc')
    .filter(
      (entry) =>
        /^\d+$/.test(entry) && existsSync(`/proc/${entry}/cmdline`) && readFileSync(`/proc/${entry}/cmdline`, 'utf8') === commandLine,
    )
    .map(Number);
}

/** Reads the container's control group, of either version. */
function controlGroup(world: LxcWorld): (controller: string, file: string) => string {
  const lxc = world.processes().at(-1);
  const init = readFileSync(`/proc/${lxc}/task/${lxc}/children`, 'utf8').trim();
  const groups = readFileSync(`/proc/${init}/cgroup`, 'utf8').split('\n');
  const v2 = existsSync('/sys/fs/cgroup/cgroup.controllers');
  return (controller, file) => {
    const group = groups.find((line) => (v2 ? line.startsWith('0::') : line.split(':')[1] === controller))?.split(':')[2] ?? '';
    return readFileSync(join('/sys/fs/cgroup', v2 ? '' : controller, group, file), 'utf8').trim();
  };
}

function limitsOf(world: LxcWorld): { memory: number; processes: number; cores: number } {
  const v2 = existsSync('/sys/fs/cgroup/cgroup.controllers');
  const read = controlGroup(world);
  const [quota, period] = v2 ? read('cpu', 'cpu.max').split(' ') : [read('cpu', 'cpu.cfs_quota_us'), read('cpu', 'cpu.cfs_period_us')];
  return {
    memory: Number(read('memory', v2 ? 'memory.max' : 'memory.limit_in_bytes')),
    processes: Number(read('pids', 'pids.max')),
    cores: Number(quota) / Number(period),
  };
}
