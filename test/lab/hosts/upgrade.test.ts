import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AffectedGuestsView, BegunView, UpgradesView } from '@drover/shared/api/upgrades';
import type { GuestView, HostView, TaskView } from '@drover/shared/api/views';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { uploadBusybox } from '../../system/busybox-image.ts';
import type { LabHost } from '../host.ts';
import { joinAs, type LabPlane, planeOf, runMachine } from '../joining.ts';
import { Lab } from '../lab.ts';
import { isNightly } from '../nightly.ts';
import { collectOnFailure } from '../on-failure.ts';
import { anotherBuild, brokenAgent, type OtherRelease, silentAgent, tamperedBuild } from '../releases.ts';

/** Agents are replaced from the control plane, on hosts with guests that must not notice. */

const MiB = 2 ** 20;
let lab: Lab;
let plane: LabPlane;
let folder: string;
let one: LabHost;
/** Of the agent that both hosts have when a test begins. */
let current: string;

/** For how long no control plane answers. */
const AWAY_S = isNightly ? 3_600 : 60;
const MARGIN_S = 900;

/** A guest that writes down each second that it sees. */
const COUNTER = '(i=0; while :; do i=$((i+1)); read up idle < /proc/uptime; echo $i $up; sleep 1; done > /var/log/seconds) &\n';
const counted = async () =>
  (await one.shell('cat $(find /var/lib/drover -path "*/var/log/seconds" | head -n 1)'))
    .split('\n')
    .map((line) => line.split(' ').map(Number));

/** From the first that it saw to the last: a round of its loop takes a little longer than a second. */
async function secondsCovered(): Promise<number> {
  const seen = (await counted()).map(([, up = 0]) => up);
  return (seen.at(-1) ?? 0) - (seen[0] ?? 0);
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'drover-releases-'));
  lab = await Lab.up({ name: 'upgrade', hosts: 2, controlPlane: true, say: (line) => console.error(`lab: ${line}`) });
  plane = planeOf(lab);
  one = lab.host(1);
  await joinAs(plane, one, 'one');
  const two = await joinAs(plane, lab.host(2), 'two');
  current = (await upgrades()).release.build;
  await uploadBusybox(plane, COUNTER, 'one');
  const order = { type: 'container', name: 'counter', image: 'busybox', host: 'one', memoryBytes: 64 * MiB, start: true };
  await plane.api.finish((await plane.api.send<{ task: TaskView }>('POST', '/guests', order)).task);
  await runMachine(plane, two, 'machine');
});
afterAll(async () => {
  await lab?.down();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach((context) => collectOnFailure(lab, context));

const upgrades = () => plane.api.get<UpgradesView>('/upgrades');
const buildsNow = async () => Object.fromEntries((await upgrades()).hosts.map(({ name, build }) => [name, build]));
const offers = (release: OtherRelease) => lab.restartControlPlane({ DROVER_AGENT_PACKAGE: release.folder });

async function upgrade(which: object): Promise<TaskView> {
  for (const name of ['one', 'two']) await plane.api.until<HostView>(`/hosts/${name}`, ({ connected }) => connected);
  const { task } = await plane.api.send<BegunView>('POST', '/upgrades', which);
  return plane.api.until<TaskView>(`/tasks/${task.id}`, ({ state }) => state === 'done' || state === 'failed');
}

/** The same run of the same guest, which has counted on without a gap since. */
async function isUntouched({ startedAtMs }: GuestView): Promise<void> {
  const now = await plane.api.guestUntil('counter', ({ state }) => state === 'running');
  expect(now.startedAtMs).toBe(startedAtMs);
  const seconds = await counted();
  expect(seconds.map(([count]) => count)).toEqual(seconds.map((_, at) => at + 1));
  const gaps = seconds.slice(1).map(([, up = 0], at) => up - (seconds[at]?.[1] ?? 0));
  // A second and what the shell takes: none was lost, not even by a machine that is emulated and busy.
  expect(Math.max(...gaps)).toBeLessThanOrEqual(GAP_S);
}
const GAP_S = 5;

describe('an upgrade', () => {
  it('goes from ring to ring, and a guest misses no second', async () => {
    const before = await plane.api.guest('counter');
    const machineBefore = await plane.api.guest('machine');
    await offers(anotherBuild(join(folder, 'next'), 'the next one'));
    const task = await upgrade({ all: true });
    expect(task).toMatchObject({ state: 'done', problem: null, result: { upgraded: 2, leftOut: 0 } });
    const { release } = await upgrades();
    expect(release.build).not.toBe(current);
    expect(await buildsNow()).toEqual({ one: release.build, two: release.build });
    current = release.build;
    await isUntouched(before);
    expect(await plane.api.guest('machine')).toMatchObject({ state: 'running', startedAtMs: machineBefore.startedAtMs });
  });

  it('to an agent that cannot even start is taken back by the host itself within two minutes, and no other host is touched', async () => {
    const before = await plane.api.guest('counter');
    await offers(brokenAgent(join(folder, 'broken')));
    const startedAtMs = Date.now();
    const task = await upgrade({ all: true });
    const tookMs = Date.now() - startedAtMs;
    expect(task.state).toBe('failed');
    expect(task.problem?.detail).toMatch(
      /^(one|two): the agent before it is back: the new agent did not get on in \d+ s: .*this agent is broken/,
    );
    expect(await buildsNow()).toEqual({ one: current, two: current });
    const { items } = await plane.api.get<{ items: readonly TaskView[] }>('/tasks?kind=host');
    expect(items.filter(({ state }) => state === 'failed')).toHaveLength(1);
    await isUntouched(before);
    // What it takes depends on the machine below; what is due is two minutes.
    console.error(`lab: the whole of it took ${Math.round(tookMs / 1_000)} s`);
  });

  it('to one that says nothing is taken back as well, also when the power is cut in the middle', async () => {
    await offers(silentAgent(join(folder, 'silent')));
    await plane.api.until<HostView>('/hosts/two', ({ connected }) => connected);
    const { task } = await plane.api.send<BegunView>('POST', '/upgrades', { hosts: ['two'] });
    const two = lab.host(2);
    await two.shell('until [ "$(cat /var/lib/drover/agent/upgrade/phase 2> /dev/null)" = check ]; do sleep 0.2; done', {
      timeoutMs: 120_000,
    });
    await two.powerCut();
    await two.powerOn();
    await two.untilUp();
    const ended = await plane.api.until<TaskView>(`/tasks/${task.id}`, ({ state }) => state === 'done' || state === 'failed');
    expect(ended).toMatchObject({ state: 'failed', problem: { detail: expect.stringContaining('the agent before it is back') } });
    await plane.api.until<HostView>('/hosts/two', ({ connected }) => connected);
    expect(await buildsNow()).toMatchObject({ two: current });
    expect(await two.shell('dpkg --audit; dpkg-query --show drover-agent')).toContain(current);
  });

  it('with a package that is not the one that was announced is refused before it is unpacked', async () => {
    const version = await one.shell('dpkg-query --show drover-agent; stat --format %Y /usr/lib/drover/agent.js');
    await offers(tamperedBuild(join(folder, 'tampered')));
    const task = await upgrade({ hosts: ['one'] });
    expect(task.problem?.detail).toMatch(/is not what was expected: its sha256 is/);
    expect(await one.shell('dpkg-query --show drover-agent; stat --format %Y /usr/lib/drover/agent.js')).toBe(version);
  });
});

it('a reboot that somebody asks for is done when the agent is back, and what starts at boot runs again', async () => {
  const two = lab.host(2);
  await plane.api.until<HostView>('/hosts/two', ({ connected }) => connected);
  const before = await plane.api.guestUntil('machine', ({ state }) => state === 'running');
  expect(await plane.api.get<AffectedGuestsView>('/hosts/two/affected')).toMatchObject({
    items: [{ name: 'machine', power: 'running', comesBack: true }],
  });
  const boot = await two.shell('cat /proc/sys/kernel/random/boot_id');
  const { task } = await plane.api.send<BegunView>('POST', '/hosts/two/power', { action: 'reboot' });
  const ended = await plane.api.until<TaskView>(`/tasks/${task.id}`, ({ state }) => state === 'done' || state === 'failed');
  expect(ended).toMatchObject({ state: 'done', title: 'reboot host two' });
  expect(await two.shell('cat /proc/sys/kernel/random/boot_id')).not.toBe(boot);
  const after = await plane.api.guestUntil(
    'machine',
    ({ state, startedAtMs }) => state === 'running' && startedAtMs !== before.startedAtMs,
  );
  // It was shut down in order, and did not crash.
  expect(after.crashes).toBe(0);
});

describe('a control plane that is away', () => {
  it(
    `is not missed by what runs, for ${isNightly ? 'an hour' : 'a minute'}`,
    async () => {
      const before = await plane.api.guest('counter');
      await lab.stopControlPlane();
      await one.shell(`sleep ${AWAY_S}`, { timeoutMs: (AWAY_S + 60) * 1_000 });
      expect(await one.shell('drover-agent status')).toMatch(/away/);
      expect((await one.exec(['systemctl', 'is-active', 'drover-agent.service'])).stdout.trim()).toBe('active');
      expect(await secondsCovered()).toBeGreaterThanOrEqual(AWAY_S);
      await lab.restartControlPlane();
      await plane.api.until<HostView>('/hosts/one', ({ connected }) => connected);
      await isUntouched(before);
    },
    (AWAY_S + MARGIN_S) * 1_000,
  );
});
