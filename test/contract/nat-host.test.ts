import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { realClock } from '@drover/shared/lib/clock';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AgentConfig } from '../../agent/src/config.ts';
import type { Network } from '../../agent/src/drivers/network/driver.ts';
import { createNatNetworkDriver } from '../../agent/src/drivers/network/nat.ts';
import { run } from '../../agent/src/host/shell.ts';
import { createNetworkLab, type NetworkLab } from './network-lab.ts';

const canRun = process.getuid?.() === 0 && existsSync('/usr/sbin/nft') && existsSync('/usr/sbin/dnsmasq') && existsSync('/bin/busybox');
const never = new AbortController().signal;
const BRIDGE = 'drvnat-h0';
const OTHER_BRIDGE = 'drvnat-h1';
const ID = 'network_contract2';
const SMALL = { bridge: BRIDGE, subnet: '10.254.38.0/29' };
const MAC = '52:54:01:00:01:00';

/** What happens to a NAT network on a host that does not stand still. */
describe.skipIf(!canRun)('a NAT network', () => {
  let lab: NetworkLab;
  let network: Network;
  let now = realClock.now();
  const log: string[] = [];

  /** A driver as a freshly started agent makes it. */
  const driver = () =>
    createNatNetworkDriver({
      config: AgentConfig.parse({
        controlPlaneUrl: 'http://localhost:1',
        dataPath: join(lab.folder, 'data'),
        runPath: join(lab.folder, 'run'),
        instance: 'cth',
        storagePaths: [lab.folder],
        bridges: [BRIDGE, OTHER_BRIDGE],
      }),
      clock: { ...realClock, now: () => now },
      log: (line) => log.push(line),
    });
  const dnsmasq = async () =>
    (await run('pgrep', ['-f', `conf-file=${lab.folder}`], { okCodes: [0, 1] })).stdout
      .trim()
      .split('\n')
      .filter((pid) => pid !== '');

  beforeAll(() => {
    lab = createNetworkLab('dcth');
    network = driver().open(ID, SMALL);
  });
  afterAll(async () => {
    await lab.unplug();
    await driver().open(ID, SMALL).remove(never);
    await run('ip', ['link', 'del', OTHER_BRIDGE], { okCodes: [0, 1] });
    await lab.close();
  }, 60_000);

  it("leaves a bridge alone that is somebody else's", async () => {
    await run('ip', ['link', 'add', BRIDGE, 'type', 'bridge']);
    await run('ip', ['link', 'set', BRIDGE, 'alias', 'of the host']);
    await expect(network.ensure(never)).rejects.toMatchObject({ code: 'in-use', field: 'config.bridge' });
    await network.remove(never);
    expect(existsSync(`/sys/class/net/${BRIDGE}`)).toBe(true);
    await run('ip', ['link', 'del', BRIDGE]);
  });

  it('finishes a bridge that an agent had only begun when it was killed', async () => {
    await run('ip', ['link', 'add', BRIDGE, 'type', 'bridge']);
    await network.ensure(never);
    expect(await network.ready()).toBe(true);
  });

  it('does not overlap what the host reaches already', async () => {
    const other = driver().open('network_contract3', { bridge: OTHER_BRIDGE, subnet: '10.254.38.0/24' });
    await expect(other.ensure(never)).rejects.toMatchObject({ code: 'conflict', field: 'config.subnet' });
    expect(existsSync(`/sys/class/net/${OTHER_BRIDGE}`)).toBe(false);
    await other.remove(never);
  });

  it('is refused on a bridge that the host does not list, also when it asks for it by a settings change', async () => {
    const stray = driver().open('network_contract3', { bridge: 'drvnat-x', subnet: '10.254.39.0/24' });
    await expect(stray.ensure(never)).rejects.toMatchObject({ code: 'not-allowed', field: 'config.bridge' });
    expect(existsSync('/sys/class/net/drvnat-x')).toBe(false);
  });

  it('lets dnsmasq give up the rights of root', async () => {
    const [pid] = await dnsmasq();
    expect(readFileSync(`/proc/${pid}/status`, 'utf8')).toMatch(/^Uid:\t[1-9]/m);
  });

  it('is made whole again, whatever of it the host loses', async () => {
    const losses: readonly (readonly [string, ...string[]])[] = [
      ['nft', 'delete', 'table', 'inet', 'drovercth_drvnat_h0'],
      ['nft', 'flush', 'table', 'inet', 'drovercth_drvnat_h0'],
      ['ip', 'link', 'set', BRIDGE, 'down'],
      ['ip', 'addr', 'flush', 'dev', BRIDGE],
      ['ip', 'link', 'del', BRIDGE],
      ['pkill', '-9', '-f', `conf-file=${lab.folder}`],
      ['rm', '-r', join(lab.folder, 'run', 'networks', ID, 'hosts')],
    ];
    for (const [program, ...args] of losses) {
      await run(program, args);
      // Rules are looked at now and then only.
      now += 60_000;
      await expect.poll(() => network.ready(), { message: `${program} ${args.join(' ')}` }).toBe(false);
      expect(await network.exists()).toBe(true);
      await network.ensure(never);
      expect(await network.ready()).toBe(true);
    }
    await network.register({ guestId: 100, guestName: 'web', mac: MAC });
    const guest = await lab.plugGuest('web', BRIDGE, MAC);
    expect(await guest.dhcp()).not.toBeNull();
  });

  it('takes addresses back from guests that are gone, before a new one finds none', async () => {
    for (let count = 1; count <= 7; count++) {
      const mac = `52:54:01:00:01:0${count}`;
      await network.register({ guestId: 100 + count, guestName: `guest${count}`, mac });
      const guest = await lab.plugGuest(`g${count}`, BRIDGE, mac);
      expect(await guest.dhcp(), `guest ${count}`).not.toBeNull();
      await network.unregister(mac);
    }
    expect(await network.addresses(MAC)).toHaveLength(1);
  });

  it('moves to other settings, and nothing of the old ones stays', async () => {
    await lab.unplug();
    const moved = driver().open(ID, { bridge: OTHER_BRIDGE, subnet: '10.254.40.0/24' });
    expect(await moved.ready()).toBe(false);
    await moved.ensure(never);
    expect(await moved.ready()).toBe(true);
    expect(existsSync(`/sys/class/net/${BRIDGE}`)).toBe(false);
    expect((await run('nft', ['list', 'tables'])).stdout).not.toContain('drovercth_drvnat_h0');
    expect(await dnsmasq()).toHaveLength(1);
    const subnet = driver().open(ID, { bridge: OTHER_BRIDGE, subnet: '10.254.41.0/24' });
    await subnet.ensure(never);
    expect((await run('ip', ['-4', '-o', 'addr', 'show', 'dev', OTHER_BRIDGE])).stdout).toMatch(/^.* 10\.254\.41\.1\/24 [^\n]*\n$/);
    expect(await dnsmasq()).toHaveLength(1);
    await network.remove(never);
    expect(existsSync(`/sys/class/net/${OTHER_BRIDGE}`)).toBe(false);
    expect(await dnsmasq()).toEqual([]);
  });

  it('says of a host without the programs that it cannot be had there, and why', async () => {
    const before = process.env.PATH;
    const empty = join(lab.folder, 'bin');
    mkdirSync(empty);
    writeFileSync(join(empty, 'dnsmasq'), '#!/bin/sh\necho "Dnsmasq version 2.90"\n', { mode: 0o755 });
    process.env.PATH = empty;
    try {
      expect(await driver().probe()).toMatchObject({ usable: false, reason: expect.stringContaining('nft is not installed') });
    } finally {
      process.env.PATH = before;
    }
  });
});
