import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import type { GuestView, TaskView } from '@drover/shared/api/views';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { uploadBusybox } from './busybox-image.ts';
import { drover } from './cli.ts';
import { startWorld, type World } from './world.ts';

/** The life of a real LXC container through the real control plane, broker and agent. */
describe('a container', () => {
  let world: World;

  beforeAll(async () => {
    world = await startWorld({ instance: 'c' });
    await uploadBusybox(world);
  });
  afterAll(() => world.close());

  const create = async (name: string, more: Record<string, unknown> = {}): Promise<GuestView> => {
    const { task } = await world.api.send<{ task: TaskView }>('POST', '/guests', {
      type: 'container',
      name,
      image: 'busybox',
      memoryBytes: 64 * 2 ** 20,
      ...more,
    });
    await world.api.finish(task);
    return world.api.guest(name);
  };

  it('runs, has an address, and answers', async () => {
    await create('one', { start: true });
    const guest = await world.api.guestUntil('one', (seen) => seen.addresses.length > 0);
    expect(guest.state).toBe('running');
    expect(await drover('guest exec one -- hostname', world.cliEnv)).toMatchObject({ code: 0, stdout: 'one\n' });
    expect(await drover('guest exec one --', world.cliEnv, { more: ['sh', '-c', 'echo out; echo err >&2; exit 7'] })).toMatchObject({
      code: 7,
      stdout: 'out\n',
      stderr: 'err\n',
    });
    expect((await drover('guest exec one -- cat', world.cliEnv, { input: 'a line\n' })).stdout).toBe('a line\n');
  });

  it('is unprivileged and held to its limits', async () => {
    const root = await drover('guest exec one -- cat /proc/self/uid_map', world.cliEnv);
    expect(root.stdout.trim().split(/\s+/)).toEqual(['0', '100000', '65536']);
    const { task } = await world.api.send<{ task: TaskView }>('PATCH', '/guests/one', { memoryBytes: 96 * 2 ** 20 });
    await world.api.finish(task);
    const guest = await world.api.guest('one');
    expect(guest).toMatchObject({ memoryBytes: 96 * 2 ** 20, needsRestart: [], state: 'running' });
  });

  it('that powers itself off stays off and says so, until it is asked again', async () => {
    await drover('guest exec one -- poweroff', world.cliEnv);
    const off = await world.api.guestUntil('one', (seen) => seen.state === 'stopped');
    expect(off).toMatchObject({ end: 'self', power: 'running' });
    expect(off.reason).toMatch(/powered itself off/);
    const { task } = await world.api.send<{ task: TaskView }>('PATCH', '/guests/one', { notes: 'an edit is not a start' });
    await world.api.finish(task);
    expect((await world.api.guest('one')).state).toBe('stopped');
    await world.api.act('one', 'start');
    expect((await world.api.guest('one')).state).toBe('running');
  });

  it('that crashes is started again', async () => {
    const before = await world.api.guest('one');
    killInit(world, before.id);
    const after = await world.api.guestUntil('one', (seen) => seen.state === 'running' && seen.startedAtMs !== before.startedAtMs);
    expect(after.crashes).toBe(1);
  });

  it('reboots, shuts down, starts and stops', async () => {
    const before = await world.api.guest('one');
    await world.api.act('one', 'reboot');
    const rebooted = await world.api.guestUntil('one', (seen) => seen.state === 'running' && seen.startedAtMs !== before.startedAtMs);
    expect(rebooted.end).toBeNull();
    await world.api.act('one', 'shutdown');
    expect(await world.api.guest('one')).toMatchObject({ state: 'stopped', end: 'asked' });
    await world.api.act('one', 'start');
    await world.api.act('one', 'stop');
    expect((await world.api.guest('one')).state).toBe('stopped');
  });

  it('keeps running without agent and control plane, and is found again', async () => {
    await world.api.act('one', 'start');
    const before = await world.api.guest('one');
    await world.agent.end('SIGKILL');
    await world.controlPlane.end('SIGKILL');
    expect(initOf(world, before.id)).not.toBeNull();
    await world.startControlPlane();
    await world.startAgent();
    const after = await world.api.guestUntil('one', (seen) => seen.state === 'running');
    expect(after.startedAtMs).toBe(before.startedAtMs);
    expect(after.crashes).toBe(before.crashes);
  });

  it('that powered itself off while the agent was away is not started again', async () => {
    const { id } = await world.api.guest('one');
    await world.agent.end('SIGKILL');
    powerOffInside(world, id);
    await world.startAgent();
    const off = await world.api.guestUntil('one', (seen) => seen.state === 'stopped');
    expect(off.end).toBe('self');
  });

  it('is refused a running deletion, then deleted with everything of it, and its name is free again', async () => {
    await world.api.act('one', 'start');
    const { id } = await world.api.guest('one');
    const refused = await world.api.raw('DELETE', '/guests/one');
    expect(refused.status).toBe(409);
    const { task } = await world.api.send<{ task: TaskView }>('DELETE', '/guests/one?force=true');
    await world.api.finish(task);
    expect((await world.api.raw('GET', '/guests/one')).status).toBe(404);
    expect(existsSync(guestFolder(world, id))).toBe(false);
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(guestFolder(world, id));
    const again = await create('one');
    expect(again.id).toBeGreaterThan(id);
  });
});

const guestFolder = (world: World, id: number) => `${world.dataPath}/agent/storage/local/guests/${id}`;

/** The agent's own names for it; a test's agent has /run to itself by its data folder. */
const lxcPath = (world: World) => `${world.agentConfig().runPath}/containers/lxc`;
const lxcName = (world: World, id: number) => `drover${world.agentConfig().instance}-${id}`;

/** The process number of the container's init on the host, or null when it does not run. */
function initOf(world: World, id: number): number | null {
  const { stdout } = spawnSync('lxc-info', ['-P', lxcPath(world), '-n', lxcName(world, id), '-p', '-H'], { encoding: 'utf8' });
  return Number(stdout.trim()) || null;
}

function killInit(world: World, id: number): void {
  const pid = initOf(world, id);
  if (pid === null) throw new Error(`guest ${id} does not run`);
  process.kill(pid, 'SIGKILL');
}

/** Powers the container off as a program in it would, without the agent, and waits until it is gone. */
function powerOffInside(world: World, id: number): void {
  const target = ['-P', lxcPath(world), '-n', lxcName(world, id)];
  spawnSync('lxc-attach', [...target, '--', '/bin/poweroff']);
  spawnSync('lxc-wait', [...target, '-s', 'STOPPED', '-t', '20']);
}
