import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { run } from '../../agent/src/host/shell.ts';
import { Lab } from './lab.ts';
import { bridgeName } from './network.ts';
import { collectOnFailure } from './on-failure.ts';
import { labFolder, readLab } from './state.ts';
import { until } from './until.ts';

const NAME = 'lab-test';
const MiB = 2 ** 20;

let lab: Lab;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'drover-lab-test-'));
  lab = await Lab.up({ name: NAME, hosts: 3, controlPlane: true, say: (line) => console.error(`lab: ${line}`) });
});

afterAll(async () => {
  await lab?.down();
  rmSync(folder, { recursive: true, force: true });
});

beforeEach((context) => collectOnFailure(lab, context));

const everywhere = (line: string) => Promise.all(lab.hosts.map((host) => host.shell(line)));
const pings = async (from: number, to: string) =>
  (await lab.host(from).exec(['ping', '-n', '-c', '3', '-i', '0.3', '-W', '2', to])).code === 0;

describe('hosts that were resumed from one saved state', () => {
  it('have names, machine ids, keys, cards, addresses and random numbers of their own', async () => {
    for (const line of [
      'hostname',
      'cat /etc/machine-id',
      'cut -d " " -f 2 /etc/ssh/ssh_host_ed25519_key.pub',
      'cat /sys/class/net/enp0s8/address',
      'cat /proc/sys/kernel/random/uuid',
    ])
      expect(new Set(await everywhere(line)), line).toHaveLength(3);
    const addresses = await everywhere("ip -4 -oneline address show dev enp0s8 | awk '{ print $4 }'");
    expect(addresses).toEqual(lab.hosts.map(({ address }) => `${address}/24`));
  });

  it('keep journals of their own, from then on', async () => {
    expect(
      await everywhere('logger --tag lab "this is $(hostname)"; journalctl --sync; journalctl --quiet --identifier lab --output cat'),
    ).toEqual(lab.hosts.map(({ name }) => `this is ${name}`));
  });

  it('know what time it is', async () => {
    for (const host of lab.hosts) expect(Math.abs(await host.clockOffsetMs())).toBeLessThan(1_000);
  });

  it('are whole Debian hosts with nothing failed', async () => {
    expect(await lab.host(1).shell('. /etc/os-release; echo $VERSION_CODENAME; cat /proc/1/comm')).toBe('trixie\nsystemd');
    expect(await lab.host(1).shell('systemctl --failed --plain --no-legend')).toBe('');
  });

  it('have what this machine may lack: VLANs, bonds, thin volumes, NFS, and a /dev/kvm', async () => {
    await lab
      .host(1)
      .shell('modprobe --all 8021q bonding dm-thin-pool nfsd wireguard br_netfilter softdog && test -c /dev/kvm && lvm version');
  });
});

describe('the network of the lab', () => {
  it('joins hosts with each other, with this machine, and with its control plane', async () => {
    for (const { number } of lab.hosts) expect(await pings(number, lab.gateway)).toBe(true);
    expect(await pings(1, lab.host(2).address)).toBe(true);
    expect(await pings(3, lab.host(1).address)).toBe(true);
    const page = await lab
      .host(2)
      .shell(`curl --silent --show-error --max-time 20 --output /dev/null --write-out '%{http_code}' ${lab.controlPlaneUrl}/api`);
    expect(page).toBe('200');
  });

  it('can be cut for one host, also in one direction, and mended', async () => {
    const [one, two] = [lab.host(1), lab.host(2)];
    await one.cut();
    expect(await pings(1, two.address)).toBe(false);
    expect(await pings(2, lab.gateway)).toBe(true);
    // What goes in only is seen by who counts, but never answered.
    await one.cut('out');
    const before = await received();
    expect(await pings(2, one.address)).toBe(false);
    expect(await received()).toBeGreaterThan(before);
    await one.cut('in');
    const then = await received();
    expect(await pings(1, two.address)).toBe(false);
    expect(await received()).toBe(then);
    await one.mend();
    expect(await pings(1, two.address)).toBe(true);

    async function received(): Promise<number> {
      return Number(await one.shell('cat /sys/class/net/enp0s8/statistics/rx_packets'));
    }
  });

  it('can be delayed: a round trip takes that much longer', async () => {
    await lab.host(1).delay(300);
    const slow = await roundTripMs();
    await lab.host(1).mend();
    const quick = await roundTripMs();
    expect(slow).toBeGreaterThanOrEqual(300);
    expect(quick).toBeLessThan(250);

    async function roundTripMs(): Promise<number> {
      const said = await lab.host(1).shell(`ping -n -q -c 5 -i 0.3 ${lab.gateway}`);
      return Number(/= ([\d.]+)\//.exec(said)?.[1]);
    }
  });

  it('can be throttled, each way', async () => {
    writeFileSync(join(folder, 'load'), Buffer.alloc(200_000, 1));
    const server = await serve(readFileSync(join(folder, 'load')), lab.gateway);
    const [one] = lab.hosts;
    expect(one).toBeDefined();
    const times = async () => {
      const timed = `curl --silent --max-time 60 --output /dev/null --write-out '%{time_total}'`;
      const down = Number(await one?.shell(`${timed} ${server.url}`));
      const up = Number(await one?.shell(`head -c 200000 /dev/zero | ${timed} --header 'Expect:' --data-binary @- ${server.url}`));
      return { down, up };
    };
    await one?.throttle(400);
    const slow = await times();
    await one?.mend();
    const quick = await times();
    server.close();
    // 1.6 Mbit at 400 kbit/s take four seconds, less what the bucket holds at the start.
    expect(slow.down).toBeGreaterThan(2);
    expect(slow.up).toBeGreaterThan(2);
    expect(quick.down).toBeLessThan(2);
    expect(quick.up).toBeLessThan(2);
  });
});

describe('a host', () => {
  it('runs commands, and gives their exit code and both outputs', async () => {
    const said = await lab.host(1).exec(['sh', '-c', 'echo out; echo err >&2; cat; exit 3'], { input: 'in\n' });
    expect(said).toEqual({ code: 3, stdout: 'out\nin\n', stderr: 'err\n' });
    await expect(lab.host(1).exec(['sleep', '60'], { timeoutMs: 500 })).rejects.toThrow(/did not end within/);
  });

  it('takes files and folders, and gives them back', async () => {
    const from = join(folder, 'from');
    mkdirSync(join(from, 'in'), { recursive: true });
    const bytes = Buffer.alloc(3 * MiB, 'drover');
    writeFileSync(join(from, 'in/big'), bytes);
    writeFileSync(join(from, 'run'), '#!/bin/sh\necho ran\n', { mode: 0o755 });
    await lab.host(2).copyTo(from, '/root/there');
    expect(await lab.host(2).shell('/root/there/run')).toBe('ran');
    await lab.host(2).copyTo(join(from, 'run'), '/opt/new/run');
    expect(await lab.host(2).shell('/opt/new/run')).toBe('ran');
    await lab.host(2).copyFrom('/root/there', join(folder, 'back'));
    expect(readFileSync(join(folder, 'back/in/big')).equals(bytes)).toBe(true);
    await lab.host(2).copyFrom('/opt/new/run', join(folder, 'run-again'));
    expect(readFileSync(join(folder, 'run-again'), 'utf8')).toBe('#!/bin/sh\necho ran\n');
  });

  it('stands still when frozen, and goes on with its clock set right, or as far behind as it stood', async () => {
    const host = lab.host(3);
    await host.freeze();
    expect(await pings(1, host.address)).toBe(false);
    await host.thaw({ keepClock: true });
    expect(await host.clockOffsetMs()).toBeLessThan(-2_000);
    await host.freeze();
    await host.thaw();
    expect(Math.abs(await host.clockOffsetMs())).toBeLessThan(1_000);
  });

  it('says what it says on its console, and shows its display', async () => {
    await lab.host(1).shell('echo "the lab was here" > /dev/kmsg');
    await until('the console says so', 10_000, () => lab.host(1).console().includes('the lab was here'));
    const path = join(folder, 'screen.png');
    await lab.host(1).screenshot(path);
    expect(readFileSync(path).subarray(1, 4).toString()).toBe('PNG');
    await lab.collect(join(folder, 'logs'));
    expect(readdirSync(join(folder, 'logs/host1')).sort()).toEqual(['console.log', 'journal.log', 'qemu.log', 'screen.png']);
  });

  // Each of these two boots a host, which takes a minute or more: beside each other.
  it.concurrent('loses at a power cut what it had not flushed, and nothing else; and boots again as who it was', async () => {
    const host = lab.host(2);
    const device = await host.addDisk(64 * MiB);
    const id = await host.shell('cat /etc/machine-id');
    // Past the host's own cache: all three have reached the disk, but only the first two were flushed.
    const write = (text: string, sector: number, flush: string) =>
      host.shell(`printf '%-4096s' ${text} | dd of=${device} bs=4096 seek=${sector} oflag=direct iflag=fullblock ${flush}`);
    await write('kept', 1, 'conv=fsync');
    await host.shell('echo kept > /root/kept; sync /root/kept');
    await write('lost', 2, '');
    await host.shell('echo lost > /root/lost');
    const read = (sector: number) => `dd if=${device} bs=4096 skip=${sector} count=1 iflag=direct | head -c 4 | tr '\\000' -`;
    expect(await host.shell(read(2))).toBe('lost');
    await host.powerCut();
    expect(host.isOn()).toBe(false);
    await host.powerOn();
    await host.untilUp();
    expect(await host.shell(read(1))).toBe('kept');
    expect(await host.shell(read(2))).toBe('----');
    expect(await host.shell('cat /root/kept; cat /root/lost 2> /dev/null || true')).toBe('kept');
    expect(await host.shell('cat /etc/machine-id; hostname')).toBe(`${id}\n${host.name}`);
    expect(await pings(2, lab.host(1).address)).toBe(true);
  });

  it.concurrent('begins anew when reset', async () => {
    const host = lab.host(3);
    const boot = await host.shell('cat /proc/sys/kernel/random/boot_id; touch /run/before');
    await host.reset();
    await host.untilUp();
    expect(await host.shell('cat /proc/sys/kernel/random/boot_id; ls /run/before 2> /dev/null || true')).not.toBe(boot);
    expect(await host.shell('cat /sys/class/net/enp0s8/address')).toBe(host.record().mac);
    expect(Math.abs(await host.clockOffsetMs())).toBeLessThan(2_000);
  });

  it('can be driven by another process', async () => {
    expect(await Lab.open(NAME).host(1).shell('hostname')).toBe('host1');
  });
});

it('leaves nothing behind when it goes down', async () => {
  const { subnet } = readLab(NAME);
  await lab.down();
  const { stdout: links } = await run('ip', ['-brief', 'link']);
  expect(links).not.toContain(bridgeName(subnet));
  expect(links).not.toContain(`lab${subnet}-`);
  expect((await run('nft', ['list', 'tables'])).stdout).not.toContain(`drover_lab${subnet}\n`);
  const { stdout: processes } = await run('ps', ['-eo', 'args']);
  expect(processes.split('\n').filter((line) => line.includes(labFolder(NAME)))).toEqual([]);
  expect(existsSync(labFolder(NAME))).toBe(false);
});

/** One page for whoever asks, on this machine's address in the lab. */
async function serve(body: Buffer, address: string): Promise<{ readonly url: string; close(): void }> {
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.end(request.method === 'GET' ? body : ''));
  });
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  const listening = server.address();
  return { url: `http://${address}:${typeof listening === 'object' ? listening?.port : 0}/`, close: () => server.close() };
}
