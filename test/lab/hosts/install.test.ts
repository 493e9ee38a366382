import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EnrolmentView, HostView } from '@drover/shared/api/views';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { run } from '../../../agent/src/host/shell.ts';
import { run as cli } from '../../../cli/src/program.ts';
import { capture } from '../../cli/capture.ts';
import type { LabHost } from '../host.ts';
import { changedSince, expire, joinAs, type LabPlane, newToken, planeOf, remember, runContainer, tamperer, typed } from '../joining.ts';
import { Lab } from '../lab.ts';
import { collectOnFailure } from '../on-failure.ts';

/** A plain Debian becomes a host by one line, and stops being one, on machines with a kernel, a systemd and a dpkg of their own. */

const DAY_S = 86_400;

let lab: Lab;
let plane: LabPlane;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'drover-lab-install-'));
  lab = await Lab.up({ name: 'joining', hosts: 2, controlPlane: true, say: (line) => console.error(`lab: ${line}`) });
  plane = planeOf(lab);
});
afterAll(async () => {
  await lab?.down();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach((context) => collectOnFailure(lab, context));

/** With a token that is good. */
const line = async (more = '') => `${(await newToken(plane)).command}${more}`;
const withToken = (token: string) => `curl -fsSL ${plane.url}/install.sh | sudo sh -s -- --token ${token}`;
const hostNamed = async (name: string) =>
  (await plane.api.get<{ items: readonly HostView[] }>('/hosts')).items.find((host) => host.name === name);

/** The line fails, its last word is why, and the machine is as it was. */
async function isRefused(host: LabHost, typedLine: string, why: RegExp): Promise<void> {
  const { code, stdout, stderr } = await typed(host, typedLine);
  expect(code, stdout).toBe(1);
  const lastLine = stderr.trimEnd().split('\n').at(-1);
  expect(lastLine).toMatch(/^drover: nothing was changed: /);
  expect(lastLine).toMatch(why);
  expect(stdout.split('\n').filter((said) => said.includes('  NO  ')).length).toBeLessThanOrEqual(1);
  expect(await changedSince(host)).toBe('');
}

/** The command line, which finds its ssh in the test's folder. */
async function drover(...argv: string[]) {
  const terminal = capture({ env: { DROVER_URL: plane.url, DROVER_TOKEN: plane.token, PATH: `${folder}:${process.env.PATH}` } });
  return { code: await cli(argv, terminal), ...terminal.written };
}

/** The tests of a host follow each other; those of two hosts run beside each other. */
function inTurn() {
  let last: Promise<unknown> = Promise.resolve();
  return (name: string, test: () => Promise<void>) =>
    it.concurrent(name, { timeout: 1_200_000 }, () => {
      const mine = last.then(test);
      last = mine.catch(() => undefined);
      return mine;
    });
}

describe.concurrent('a machine whose clock is a day behind', () => {
  const then = inTurn();
  const host = () => lab.host(1);
  let joined: HostView;
  let used: EnrolmentView;

  then('is made a host by the line, which sets its clock', async () => {
    await host().shell(`date --set=@$(( $(date +%s) - ${DAY_S} ))`);
    joined = await joinAs(plane, host(), 'fra-1');
    expect(joined).toMatchObject({ name: 'fra-1', os: expect.stringMatching(/Debian.*13/) });
    expect(Math.abs(await host().clockOffsetMs())).toBeLessThan(60_000);
    expect(await host().shell('systemctl is-active drover-agent; systemctl is-enabled drover-agent; systemctl --failed --no-legend')).toBe(
      'active\nenabled',
    );
  });

  then('runs guests', async () => {
    await runContainer(plane, host(), joined, 'one');
  });

  then('works though its clock goes wrong by a day', async () => {
    await host().shell(`date --set=@$(( $(date +%s) + ${DAY_S} )); systemctl restart drover-agent`);
    await plane.api.act('one', 'stop');
    await plane.api.act('one', 'start');
    await host().setClock();
  });

  then('stays the host that it is when the line is typed once more', async () => {
    used = await newToken(plane);
    const again = await typed(host(), used.command);
    expect(again.stdout).toMatch(/note {2}this machine is host fra-1 already/);
    expect(again.code, again.stderr).toBe(0);
    await plane.api.guestUntil('one', ({ state }) => state === 'running');
  });

  then('is no host any more when the package is purged; its guests go on, and their disks stay', async () => {
    const guest = await plane.api.guest('one');
    // A machine that becomes a host again must not be paused for what somebody chose before.
    await host().shell('drover-agent pause --reason test');
    const said = await host().shell('apt-get -q -y purge drover-agent', { timeoutMs: 300_000 });
    expect(said).toMatch(/guests go on/);
    await host().shell(`ping -n -c 1 -W 10 ${guest.addresses[0]}`);
    expect(await host().shell('ls /var/lib/drover/agent/storage/local')).not.toBe('');
    expect(await host().shell('ls /var/lib/drover/agent')).toBe('networks\nstorage');
    await remember(host());
    await isRefused(host(), used.command, /this enrolment token was used by another host/);
  });

  then('is forgotten by drover host remove, which says what becomes of its guests', async () => {
    const { code, err, out } = await drover('host', 'remove', 'fra-1', '--yes');
    expect(code).toBe(0);
    expect(err).toMatch(/^Host fra-1 has one guest\..*\nThe control plane forgets them\. Their disks stay on the machine/);
    expect(out).toMatch(/apt purge drover-agent/);
    expect(await hostNamed('fra-1')).toBeUndefined();
  });
});

describe.concurrent('what is wrong is said in one line, and the machine stays as it was:', () => {
  const then = inTurn();
  const host = () => lab.host(2);

  /** What `make` makes is so for `act` alone. */
  async function during(make: string, act: () => Promise<void>, undo: string): Promise<void> {
    await host().shell(make);
    try {
      await act();
    } finally {
      await host().shell(undo);
    }
  }

  then('a token that is wrong, or was copied by half', async () => {
    await remember(host());
    await isRefused(host(), withToken('x'.repeat(40)), /this enrolment token is not known: get a new one: drover host add$/);
    await isRefused(host(), withToken('x'), /this enrolment token is not known/);
  });

  then('a token that has expired', async () => {
    const late = await newToken(plane);
    await expire(lab, late.token);
    await isRefused(host(), late.command, /this enrolment token has expired/);
  });

  then('another system than Debian 12 or 13', async () => {
    await during(
      "printf 'ID=ubuntu\\nVERSION_ID=24.04\\n' > /run/os-release && mount --bind /run/os-release /usr/lib/os-release",
      async () => isRefused(host(), await line(), /this is ubuntu 24\.04, not Debian 12 or 13$/),
      'umount /usr/lib/os-release',
    );
  });

  then('a disk that is full', async () => {
    await during(
      'fallocate -l $(( ($(df -Pk /var/lib | awk "NR == 2 { print \\$4 }") - 500000) * 1024 )) /var/full',
      async () => isRefused(host(), await line(), /only 4\d\d MiB free in \/var\/lib: 2048 are needed/),
      'rm /var/full',
    );
  });

  then('somebody who is not root', async () => {
    const asNobody = (await line()).replace('sudo sh', 'setpriv --reuid=65534 --regid=65534 --clear-groups sh');
    await isRefused(host(), asNobody, /not root: put sudo before sh$/);
  });

  then('a package that was changed on its way, also with its digest', async () => {
    const wire = await tamperer(plane);
    await isRefused(host(), (await line()).replaceAll(plane.url, wire.url), /the package is not the one that was announced/);
    wire.alsoItsDigest();
    await isRefused(host(), (await line()).replaceAll(plane.url, wire.url), /the package is not signed by this control plane/);
    wire.close();
  });

  then('an agent that somebody has started by hand', async () => {
    const other = `require('net').createServer().listen('\\0drover-agent-0123456789abcdef')`;
    await during(
      `systemd-run --quiet --unit other-agent node -e "${other}"; until grep -q @drover-agent- /proc/net/unix; do :; done`,
      async () => {
        await remember(host());
        await isRefused(host(), await line(), /another agent of Drover runs on this machine/);
      },
      'systemctl stop other-agent',
    );
  });

  then('a host of another control plane', async () => {
    const identity = JSON.stringify({ hostId: 'host_x', name: 'fra-9', controlPlaneUrl: 'https://other.example' }, null, 2);
    await host().shell('mkdir -p /var/lib/drover/agent && cat > /var/lib/drover/agent/identity.json', { input: identity });
    await remember(host());
    await isRefused(host(), await line(), /this machine is host fra-9 of https:\/\/other\.example already/);
    await host().shell('rm -r /var/lib/drover');
  });

  then('--dry-run shows all that would be done, and does none of it; without KVM there is a note', async () => {
    await remember(host());
    await host().shell('modprobe --remove kvm_amd');
    const { code, stdout, stderr } = await typed(host(), await line(' --dry-run'));
    expect(code, stdout + stderr).toBe(0);
    expect(stdout).toMatch(/note {2}no KVM/);
    expect(stdout).not.toMatch(/ NO /);
    expect(stdout).toMatch(/^ {4}drover-agent$/m);
    expect(stdout).toMatch(/enrol: a key is made in \/var\/lib\/drover\/agent/);
    expect(await changedSince(host())).toBe('');
    await host().shell('modprobe kvm_amd');
  });

  then('drover host add --ssh is refused where sudo asks for a password, and else makes it a host', async () => {
    const address = `anna@${host().address}`;
    await openDoor(host());
    const refused = await drover('host', 'add', '--ssh', address);
    expect(refused).toMatchObject({ code: 1, out: '' });
    expect(refused.err).toMatch(/anna is not root there, and sudo does not let it be without a password/);
    await host().shell("echo 'anna ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/anna");
    const added = await drover('host', 'add', '--ssh', address, '--name', 'fra-2');
    expect(added.code, added.err).toBe(0);
    expect(added.out).toBe('Host fra-2 is connected.\n');
  });

  then('what cloud-init would run does nothing on a machine that is a host already', async () => {
    const { cloudInit } = await newToken(plane);
    const [, script = ''] = /^ {2}- (".*")$/m.exec(cloudInit) ?? [];
    expect(await host().exec(['sh', '-c', JSON.parse(script)])).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  then('DROVER_PURGE_GUESTS=yes takes guests, disks and networks with the package', async () => {
    const joined = await hostNamed('fra-2');
    expect(joined?.connected).toBe(true);
    if (joined) await runContainer(plane, host(), joined, 'two');
    const said = await host().shell('DROVER_PURGE_GUESTS=yes apt-get -q -y purge drover-agent', { timeoutMs: 300_000 });
    expect(said).toMatch(/guests, their disks and images are gone/);
    expect(await host().shell('ls -A /var/lib/drover; ls -A /run/drover 2> /dev/null || true')).toBe('');
    const left = "ip -brief link | grep drover; nft list tables | grep drover; systemctl list-units --plain --no-legend 'drover*'";
    expect(await host().shell(left)).toBe('');
  });
});

/** A user anna, who may come in by a key that the ssh in the test's folder uses. */
async function openDoor(host: LabHost): Promise<void> {
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'key')]);
  const options = `-i ${join(folder, 'key')} -o IdentitiesOnly=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null`;
  writeFileSync(join(folder, 'ssh'), `#!/bin/sh\nexec /usr/bin/ssh -F /dev/null ${options} "$@"\n`, { mode: 0o755 });
  await host.shell('useradd --create-home --shell /bin/sh anna && install -d -o anna -g anna -m 700 /home/anna/.ssh');
  await host.shell('cat > /home/anna/.ssh/authorized_keys', { input: readFileSync(join(folder, 'key.pub')) });
}
