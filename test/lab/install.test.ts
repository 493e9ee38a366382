import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EnrolmentView, GuestView, HostView, TaskView } from '@drover/shared/api/views';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { run } from '../../agent/src/host/shell.ts';
import { run as cli } from '../../cli/src/program.ts';
import { capture } from '../cli/capture.ts';
import { makeBusyboxArchive } from '../system/busybox.ts';
import { uploadRootfs } from '../system/busybox-image.ts';
import type { LabHost } from './host.ts';
import { changedSince, expire, join1, type LabPlane, newToken, planeOf, remember, tamperer, typed } from './joining.ts';
import { Lab } from './lab.ts';
import { collectOnFailure } from './on-failure.ts';
import type { Release } from './recipe.ts';

/** A plain Debian becomes a host by one line, and stops being one, on machines with a kernel, a systemd and a dpkg of their own. */

const DAY_S = 86_400;
const MiB = 2 ** 20;

async function withLab(name: string, release: Release): Promise<{ lab: Lab; plane: LabPlane; host: LabHost }> {
  const lab = await Lab.up({ name, release, hosts: 1, controlPlane: true, say: (line) => console.error(`lab: ${line}`) });
  return { lab, plane: planeOf(lab), host: lab.host(1) };
}

/** The main path: an image, a container of it that runs, its address as seen from the host. */
async function runsGuests(plane: LabPlane, host: LabHost): Promise<GuestView> {
  const archive = makeBusyboxArchive();
  try {
    await uploadRootfs(plane, 'busybox', archive.path);
  } finally {
    archive.remove();
  }
  const order = { type: 'container', name: 'one', image: 'busybox', memoryBytes: 64 * MiB, start: true };
  const { task } = await plane.api.send<{ task: TaskView }>('POST', '/guests', order);
  await plane.api.finish(task);
  const guest = await plane.api.guestUntil('one', ({ addresses }) => addresses.length > 0);
  expect(guest.state).toBe('running');
  await host.shell(`ping -n -c 1 -W 10 ${guest.addresses[0]}`);
  return guest;
}

describe('Debian 13', () => {
  let lab: Lab;
  let plane: LabPlane;
  let host: LabHost;
  beforeAll(async () => {
    ({ lab, plane, host } = await withLab('joining', 'trixie'));
    await remember(host);
  });
  afterAll(() => lab?.down());
  beforeEach((context) => collectOnFailure(lab, context));

  /** With a token that is good, unless the line says otherwise. */
  const line = async (more = '') => `${(await newToken(plane)).command}${more}`;
  const withToken = (token: string) => `curl -fsSL ${plane.url}/install.sh | sudo sh -s -- --token ${token}`;
  const hosts = async () => (await plane.api.get<{ items: readonly HostView[] }>('/hosts')).items;

  /** The line fails, its last word is why, and the machine is as it was. */
  async function isRefused(typedLine: string, why: RegExp): Promise<void> {
    const { code, stdout, stderr } = await typed(host, typedLine);
    expect(code, stdout).toBe(1);
    const lastLine = stderr.trimEnd().split('\n').at(-1);
    expect(lastLine).toMatch(/^drover: /);
    expect(lastLine).toMatch(why);
    expect(stdout.split('\n').filter((said) => said.includes('  NO  ')).length).toBeLessThanOrEqual(1);
    expect(await changedSince(host)).toBe('');
  }

  async function drover(...words: (string | { readonly ssh: string })[]) {
    const argv = words.filter((word) => typeof word === 'string');
    const [path] = words.flatMap((word) => (typeof word === 'string' ? [] : [word.ssh]));
    const PATH = `${path === undefined ? '' : `${path}:`}${process.env.PATH}`;
    const terminal = capture({ env: { DROVER_URL: plane.url, DROVER_TOKEN: plane.token, PATH } });
    return { code: await cli(argv, terminal), ...terminal.written };
  }

  /** What `make` makes is so for `act` alone. */
  async function during(make: string, act: () => Promise<void>, undo: string): Promise<void> {
    await host.shell(make);
    try {
      await act();
    } finally {
      await host.shell(undo);
    }
  }

  describe('what is wrong is said in one line, and the machine stays as it was:', () => {
    it('a token that is wrong, or was copied by half', async () => {
      await isRefused(withToken('x'.repeat(40)), /nothing was changed: this enrolment token is not known: get a new one: drover host add$/);
      await isRefused(withToken('x'), /this enrolment token is not known/);
    });

    it('a token that has expired', async () => {
      const late = await line();
      await expire(lab);
      await isRefused(late, /this enrolment token has expired/);
    });

    it('another system than Debian 12 or 13', async () => {
      await during(
        "printf 'ID=ubuntu\\nVERSION_ID=24.04\\n' > /run/os-release && mount --bind /run/os-release /usr/lib/os-release",
        async () => isRefused(await line(), /this is ubuntu 24\.04, not Debian 12 or 13$/),
        'umount /usr/lib/os-release',
      );
    });

    it('a disk that is full', async () => {
      await during(
        'fallocate -l $(( ($(df -Pk /var/lib | awk "NR == 2 { print \\$4 }") - 500000) * 1024 )) /var/full',
        async () => isRefused(await line(), /only 4\d\d MiB free in \/var\/lib: 2048 are needed/),
        'rm /var/full',
      );
    });

    it('somebody who is not root', async () => {
      const asNobody = (await line()).replace('sudo sh', 'setpriv --reuid=65534 --regid=65534 --clear-groups sh');
      await isRefused(asNobody, /not root: put sudo before sh$/);
    });

    it('a package that was changed on its way', async () => {
      const wire = await tamperer(plane);
      await isRefused((await line()).replaceAll(plane.url, wire.url), /nothing was changed: the package is not the one that was announced/);
      wire.alsoItsDigest();
      await isRefused(
        (await line()).replaceAll(plane.url, wire.url),
        /nothing was changed: the package is not signed by this control plane/,
      );
      wire.close();
    });

    it('an agent that somebody has started by hand', async () => {
      const other = `require('net').createServer().listen('\\0drover-agent-0123456789abcdef')`;
      await during(
        `systemd-run --quiet --unit other-agent node -e "${other}"; until grep -q @drover-agent- /proc/net/unix; do :; done`,
        async () => {
          await remember(host);
          await isRefused(await line(), /another agent of Drover runs on this machine/);
        },
        'systemctl stop other-agent',
      );
    });

    it('a host of another control plane', async () => {
      const identity = JSON.stringify({ hostId: 'host_x', name: 'fra-1', controlPlaneUrl: 'https://other.example' }, null, 2);
      await host.shell('mkdir -p /var/lib/drover/agent && cat > /var/lib/drover/agent/identity.json', { input: identity });
      await remember(host);
      await isRefused(await line(), /this machine is host fra-1 of https:\/\/other\.example already/);
      await host.shell('rm -r /var/lib/drover');
      await remember(host);
    });
  });

  it('--dry-run shows all that would be done, and does none of it; without KVM there is a note', async () => {
    await host.shell('modprobe --remove kvm_amd');
    const { code, stdout, stderr } = await typed(host, await line(' --dry-run'));
    expect(code, stdout + stderr).toBe(0);
    expect(stdout).toMatch(/note {2}no KVM/);
    expect(stdout).not.toMatch(/ NO /);
    expect(stdout).toMatch(/^ {4}drover-agent$/m);
    expect(stdout).toMatch(/enrol: a key is made in \/var\/lib\/drover\/agent/);
    expect(await changedSince(host)).toBe('');
    expect(await hosts()).toEqual([]);
    await host.shell('modprobe kvm_amd');
  });

  it('the line makes it a host, though its clock is a day behind, and sets that right', async () => {
    await host.shell(`date --set=@$(( $(date +%s) - ${DAY_S} ))`);
    const joined = await join1(plane, host, 'fra-1');
    expect(joined).toMatchObject({ name: 'fra-1', os: expect.stringMatching(/Debian.*13/) });
    expect(Math.abs(await host.clockOffsetMs())).toBeLessThan(60_000);
    expect(await host.shell('systemctl is-active drover-agent; systemctl is-enabled drover-agent; systemctl --failed --no-legend')).toBe(
      'active\nenabled',
    );
  });

  it('it runs guests', async () => {
    await runsGuests(plane, host);
  });

  it('it is connected and works though its clock goes wrong by a day', async () => {
    await host.shell(`date --set=@$(( $(date +%s) + ${DAY_S} )); systemctl restart drover-agent`);
    await plane.api.act('one', 'stop');
    await plane.api.act('one', 'start');
    await host.setClock();
  });

  let used: EnrolmentView;

  it('the line once more changes nothing but the agent’s version', async () => {
    used = await newToken(plane);
    const again = await typed(host, used.command);
    expect(again.stdout).toMatch(/note {2}this machine is host fra-1 already/);
    expect(again.code, again.stderr).toBe(0);
    await plane.api.guestUntil('one', ({ state }) => state === 'running');
    expect((await hosts()).map(({ name }) => name)).toEqual(['fra-1']);
  });

  it('when the package is purged, guests go on and their disks stay; then it is no host any more', async () => {
    const guest = await plane.api.guest('one');
    const said = await host.shell('apt-get -q -y purge drover-agent', { timeoutMs: 300_000 });
    expect(said).toMatch(/guests go on/);
    await host.shell(`ping -n -c 1 -W 10 ${guest.addresses[0]}`);
    expect(await host.shell('ls -A /var/lib/drover/agent')).toBe('networks\nstorage');
    await remember(host);
    await isRefused(used.command, /this enrolment token was used by another host/);
  });

  it('drover host remove says what becomes of its guests, and forgets it', async () => {
    const { code, err, out } = await drover('host', 'remove', 'fra-1', '--yes');
    expect(code).toBe(0);
    expect(err).toMatch(/^Host fra-1 has one guest\..*\nThe control plane forgets them\. Their disks stay on the machine/);
    expect(out).toMatch(/apt purge drover-agent/);
    expect(await hosts()).toEqual([]);
  });

  it('drover host add --ssh makes it a host again, with a key of its own, by sudo; and nobody sees the token', async () => {
    const address = `anna@${host.address}`;
    const key = await openDoor(host);
    const refused = await drover('host', 'add', '--ssh', address, { ssh: key });
    expect(refused).toMatchObject({ code: 1, out: '' });
    expect(refused.err).toMatch(/anna is not root there, and sudo does not let it be without a password/);
    await host.shell("echo 'anna ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/anna");
    const looked = await drover('host', 'add', '--ssh', address, '--dry-run', { ssh: key });
    expect(looked.code, looked.err).toBe(0);
    expect(looked.err).toMatch(/What would be done/);
    expect(await hosts()).toEqual([]);
    const added = await drover('host', 'add', '--ssh', address, '--name', 'fra-2', { ssh: key });
    expect(added.code, added.err).toBe(0);
    expect(added.out).toBe('Host fra-2 is connected.\n');
    expect((await hosts()).map(({ name, connected }) => ({ name, connected }))).toEqual([{ name: 'fra-2', connected: true }]);
  });

  it('DROVER_PURGE_GUESTS=yes takes guests, disks and networks with it', async () => {
    const said = await host.shell('DROVER_PURGE_GUESTS=yes apt-get -q -y purge drover-agent', { timeoutMs: 300_000 });
    expect(said).toMatch(/guests, their disks and images are gone/);
    expect(await host.shell('ls -A /var/lib/drover; ls -A /run/drover 2> /dev/null || true')).toBe('');
    expect(
      await host.shell("ip -brief link | grep drover; nft list tables | grep drover; systemctl list-units --plain --no-legend 'drover*'"),
    ).toBe('');
  });
});

/** A user anna who may come in by a key; gives a folder with an ssh that uses it. */
async function openDoor(host: LabHost): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'drover-lab-ssh-'));
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'key')]);
  const options = `-i ${join(folder, 'key')} -o IdentitiesOnly=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null`;
  writeFileSync(join(folder, 'ssh'), `#!/bin/sh\nexec /usr/bin/ssh -F /dev/null ${options} "$@"\n`, { mode: 0o755 });
  await host.shell('useradd --create-home --shell /bin/sh anna && install -d -o anna -g anna -m 700 /home/anna/.ssh');
  await host.shell('cat > /home/anna/.ssh/authorized_keys', { input: readFileSync(join(folder, 'key.pub')) });
  return folder;
}

describe('Debian 12', () => {
  let lab: Lab;
  let plane: LabPlane;
  let host: LabHost;
  beforeAll(async () => {
    ({ lab, plane, host } = await withLab('joining-12', 'bookworm'));
  });
  afterAll(() => lab?.down());
  beforeEach((context) => collectOnFailure(lab, context));

  it('becomes a host by the line, and runs guests', async () => {
    const joined = await join1(plane, host, 'ber-1');
    expect(joined.os).toMatch(/Debian.*12/);
    await runsGuests(plane, host);
  });
});
