import type { GuestFiguresView } from '@drover/shared/api/host-views';
import type { GuestView, HostView, TaskView } from '@drover/shared/api/views';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { LocalGuests, LocalStatus } from '../../../agent/src/local/protocol.ts';
import type { Api } from '../../system/api.ts';
import { makeBusyboxArchive } from '../../system/busybox.ts';
import { uploadRootfs } from '../../system/busybox-image.ts';
import type { ExecResult } from '../guest-channel.ts';
import type { LabHost } from '../host.ts';
import { joinAs, planeOf } from '../joining.ts';
import { Lab } from '../lab.ts';
import { collectOnFailure } from '../on-failure.ts';
import { until } from '../until.ts';

/** What somebody can do on the host itself, and how its guests fare when it goes down and comes back, both without a control plane. */

const NAME = 'on-the-host';
const MiB = 2 ** 20;
const MINUTES = 60_000;

let lab: Lab;
let host: LabHost;
let api: Api;

beforeAll(async () => {
  lab = await Lab.up({ name: NAME, hosts: 1, controlPlane: true, say: (line) => console.error(`lab: ${line}`) });
  host = lab.host(1);
  const plane = planeOf(lab);
  api = plane.api;
  await joinAs(plane, host, 'fra-1');
  const archive = makeBusyboxArchive();
  try {
    await uploadRootfs(plane, 'busybox', archive.path);
  } finally {
    archive.remove();
  }
  for (const name of ['db', 'web']) {
    const wish = { type: 'container', name, image: 'busybox', memoryBytes: 64 * MiB, start: true, startAtBoot: true };
    await api.finish((await api.send<{ task: TaskView }>('POST', '/guests', wish)).task);
  }
  await api.send('PATCH', '/guests/db', { startOrder: 1, startDelayS: 15 });
  await api.finish((await api.send<{ task: TaskView }>('PATCH', '/guests/web', { startOrder: 2 })).task);
});

afterAll(() => lab?.down());
beforeEach((context) => collectOnFailure(lab, context));

const agent = (...words: string[]): Promise<ExecResult> => host.exec(['drover-agent', ...words], { timeoutMs: 5 * MINUTES });
const statusOf = async () => LocalStatus.parse(JSON.parse((await agent('status', '--json')).stdout));
const guests = async () => LocalGuests.parse(JSON.parse((await agent('guests', '--json')).stdout));
const powerOf = async (name: string) => (await guests()).find((guest) => guest.name === name)?.power;

it('the units are as they should be: guests in a slice of their own, counted, and ended by nobody before drover-guests.service', async () => {
  expect(await host.shell('systemctl is-active drover-agent drover-guests')).toBe('active\nactive');
  const units = (await host.shell("systemctl list-units --plain --no-legend 'drover-container-*' | cut -d ' ' -f 1")).split('\n');
  expect(units).toHaveLength(2);
  for (const unit of units) {
    const shown = await host.shell(`systemctl show --property=Slice,Before,IOAccounting ${unit}`);
    expect(shown).toMatch(/^Slice=drover-guests\.slice$/m);
    expect(shown).toMatch(/^Before=.*drover-guests\.service/m);
    expect(shown).toMatch(/^IOAccounting=yes$/m);
  }
  // What a container runs is in its unit, too: what systemd counts is all of it.
  for (const { id } of await guests()) {
    const unit = `drover-container-${id}.service`;
    expect(await host.shell(`cat /sys/fs/cgroup/drover.slice/drover-guests.slice/${unit}/lxc.payload.drover-${id}/cgroup.procs`)).not.toBe(
      '',
    );
    expect(await host.shell(`systemctl show --property=MemoryCurrent --value ${unit}`)).toMatch(/^\d+$/);
  }
  // As it is measured there.
  const measured = await until('its figures have come', 3 * MINUTES, async () => {
    const figures = await api.get<GuestFiguresView>('/guests/web/figures');
    return figures.figures;
  });
  expect(measured.memoryBytes).toBeGreaterThan(0);
});

it('with the control plane cut off, the host says how it is and what is wrong, and its guests can be ended, started and entered', async () => {
  await host.cut();
  const away = await until('the agent notices', 3 * MINUTES, async () => {
    const status = await statusOf();
    return !status.link.connected && status;
  });
  expect(away).toMatchObject({ name: 'fra-1', guests: { running: 2, total: 2 }, paused: null, attention: [] });
  expect((await agent('status')).stdout).toMatch(/^link +away for /m);

  const doctor = await agent('doctor');
  expect([doctor.code, doctor.stdout]).toEqual([1, expect.stringMatching(/^ {2}NO .* is not reached from here/m)]);
  expect(doctor.stdout).toMatch(/^ {2}ok {4}drover-agent\.service runs$/m);
  expect(doctor.stdout).toMatch(/^ {2}ok {4}cgroup v2$/m);

  expect(await agent('guests', 'stop', 'web')).toMatchObject({ code: 0 });
  expect(await powerOf('web')).toBe('stopped');
  expect(await agent('guests', 'start', 'web')).toMatchObject({ code: 0 });
  expect(await powerOf('web')).toBe('running');
  const entered = await host.exec(['drover-agent', 'guests', 'console', 'web'], {
    input: 'echo it is $((40 + 2))\nexit\n',
    timeoutMs: MINUTES,
  });
  expect(entered.stdout).toContain('it is 42');

  expect(await agent('pause', '--reason', 'a disk is being replaced')).toMatchObject({ code: 0 });
  await host.shell('systemctl restart drover-agent.service');
  const paused = await until('the agent is back', MINUTES, statusOf);
  expect(paused).toMatchObject({ paused: { reason: 'a disk is being replaced' } });
  expect(await agent('guests', 'stop', 'db')).toMatchObject({ code: 0 });
});

it('the control plane learns of it, and whoever asks there has the last word', async () => {
  await host.mend();
  const seen = await api.until<HostView>('/hosts/fra-1', ({ connected, paused }) => connected && paused !== null);
  expect(seen.paused).toMatchObject({ reason: 'a disk is being replaced' });
  const db = await api.guestUntil('db', ({ local, state }) => local !== null && state === 'stopped');
  expect(db).toMatchObject({ power: 'running', state: 'stopped', reason: 'stopped on its host, by hand', local: { power: 'off' } });
  expect(await agent('resume')).toMatchObject({ code: 0 });
  await api.until<HostView>('/hosts/fra-1', ({ paused }) => paused === null);
  expect(await powerOf('db')).toBe('stopped');
  await api.act('db', 'start');
  expect(await api.guestUntil('db', ({ state }) => state === 'running')).toMatchObject({ local: null });
});

it('a host that reboots shuts its guests down in order and starts them in order, also without the control plane', async () => {
  const boot = await host.shell('cat /proc/sys/kernel/random/boot_id');
  await host.cut();
  await host.shell('systemctl --no-block reboot');
  await until('the host goes down', 5 * MINUTES, async () => {
    const { code } = await host.exec(['true'], { timeoutMs: 5_000 }).catch(() => ({ code: 1 }));
    return code !== 0 || (await host.shell('cat /proc/sys/kernel/random/boot_id')) !== boot;
  });
  await host.untilUp(10 * MINUTES);
  expect(await host.shell('cat /proc/sys/kernel/random/boot_id')).not.toBe(boot);

  // The agent tells the journal; in which order guests went down.
  const said = await host.shell('journalctl --boot=-1 --unit=drover-agent --output=cat');
  const down = said.split('\n').filter((line) => /^(shutting (web|db) down|(web|db) is down)/.test(line));
  expect(down.map((line) => line.replace(/:.*/, ''))).toEqual(['shutting web down', 'web is down', 'shutting db down', 'db is down']);
  // Each had its time to put its own things in order.
  for (const { id } of await until('the agent answers', 5 * MINUTES, guests))
    expect(await host.shell(`find /var/lib/drover/agent/storage -path '*/guests/${id}/*/var/log/downs' | head -n 1`)).not.toBe('');

  const waiting = await until('one waits for the other', 6 * MINUTES, async () => {
    const [, web] = await guests();
    return web?.waitingFor?.startsWith('its turn at boot') ? web : null;
  });
  expect(waiting).toMatchObject({ power: 'stopped', waitingFor: expect.stringMatching(/^its turn at boot, (after db|15 s after db)$/) });
  const [db, web] = await until('both run', 6 * MINUTES, async () => {
    const both = await guests();
    return both.every(({ power }) => power === 'running') && both;
  });
  expect((web?.startedAtMs ?? 0) - (db?.startedAtMs ?? 0)).toBeGreaterThanOrEqual(15_000);
  expect(await statusOf()).toMatchObject({ link: { connected: false } });

  await host.mend();
  await api.until<HostView>('/hosts/fra-1', ({ connected }) => connected);
  for (const name of ['db', 'web'])
    expect(await api.guestUntil(name, ({ state }: GuestView) => state === 'running')).toMatchObject({ power: 'running', end: null });
});

it('removing the package leaves guests alone', async () => {
  await host.shell('dpkg --remove drover-agent', { timeoutMs: 5 * MINUTES });
  expect(await host.shell("systemctl list-units --plain --no-legend --state=running 'drover-container-*' | wc -l")).toBe('2');
});
