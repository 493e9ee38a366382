import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Network, NetworkDriver } from '../../agent/src/drivers/network/driver.ts';
import { createNetworkLab, type LabGuest, type NetworkLab } from './network-lab.ts';

export interface NetworkDriverSubject {
  /** Short and unlike any other suite's: begins the names of devices. */
  readonly prefix: string;
  /** A driver as a freshly started agent makes it; called again to stand for an agent that restarted. */
  make(folder: string): NetworkDriver;
  readonly networkId: string;
  readonly config: unknown;
  /** Settings that must be refused, and the field that the refusal names. */
  readonly refused: readonly { readonly config: unknown; readonly field: string }[];
  /** Everything on the host that the driver may change, as text: the same before and after. */
  hostState(): Promise<string>;
}

const NEVER = new AbortController().signal;
const MAC = '52:54:01:00:00:64';
const OTHER_MAC = '52:54:01:00:00:65';
const STRANGER_MAC = '52:54:01:00:00:66';

/** What every network driver owes the agent: the specification of the port. */
export function describeNetworkDriver(subject: NetworkDriverSubject): void {
  describe('a network driver', () => {
    let lab: NetworkLab;
    let before: string;
    let network: Network;
    let guest: LabGuest;
    let address: string;

    beforeAll(async () => {
      before = await subject.hostState();
      lab = createNetworkLab(subject.prefix);
      network = subject.make(lab.folder).open(subject.networkId, subject.config);
    }, 60_000);
    afterAll(async () => {
      await network.remove(NEVER).catch(() => {});
      await lab.close();
    }, 60_000);

    it('describes itself, with a schema of its settings', async () => {
      const description = await subject.make(lab.folder).probe();
      expect(description).toMatchObject({ port: 'network', usable: true, configSchema: { type: 'object' } });
    });

    it.each(subject.refused)('refuses settings and names the field: $field', ({ config, field }) => {
      expect(() => subject.make(lab.folder).open(subject.networkId, config)).toThrow(
        expect.objectContaining({ code: 'bad-request', field }),
      );
    });

    it('changes nothing on the host by being opened', async () => {
      expect([await network.ready(), await network.exists()]).toEqual([false, false]);
      expect(await subject.hostState()).toBe(before);
    });

    it('is ready once ensured, and ensuring again is no harm', async () => {
      await network.ensure(NEVER);
      expect([await network.ready(), await network.exists()]).toEqual([true, true]);
      const made = await subject.hostState();
      await network.ensure(NEVER);
      expect(await subject.hostState()).toBe(made);
      expect(existsSync(`/sys/class/net/${network.bridge}/bridge`)).toBe(true);
    });

    it('gives a registered guest an address, and says which, at once', async () => {
      await network.register({ guestId: 100, guestName: 'web', mac: MAC });
      guest = await lab.plugGuest('web', network.bridge, MAC);
      const changed = new Promise<string>((resolve) => {
        const stop = network.watch((mac) => {
          stop();
          resolve(mac);
        });
      });
      const lease = await guest.dhcp();
      address = lease?.address ?? 'none';
      expect(await changed).toBe(MAC);
      expect(await network.addresses(MAC)).toEqual([address]);
    });

    it("resolves guests' names for guests", async () => {
      await network.register({ guestId: 101, guestName: 'db', mac: OTHER_MAC });
      const other = await lab.plugGuest('db', network.bridge, OTHER_MAC);
      const lease = await other.dhcp();
      expect(await lookup(guest, 'db', lease?.dns)).toContain(lease?.address);
      expect(await lookup(other, `web.${lease?.domain}`, lease?.dns)).toContain(address);
    });

    it('gives a guest its new name when it is registered anew, without a new lease, and takes the old one away', async () => {
      const dns = (await guest.dhcp())?.dns;
      const [held] = await network.addresses(OTHER_MAC);
      for (const [name, before] of [
        ['db2', 'db'],
        ['db', 'db2'],
      ] as const) {
        await network.register({ guestId: 101, guestName: name, mac: OTHER_MAC });
        await expect.poll(() => lookup(guest, name, dns)).toContain(held);
        expect(await lookup(guest, before, dns)).not.toContain(held);
      }
    });

    it('gives a guest no name but its own, whatever it asks for', async () => {
      const stranger = await lab.plugGuest('stranger', network.bridge, STRANGER_MAC);
      for (const name of ['web', 'printer']) {
        const lease = await stranger.dhcp(name);
        expect(lease?.address).toBeDefined();
        expect(await lookup(guest, name, lease?.dns)).not.toContain(`: ${lease?.address}\n`);
      }
      expect(await lookup(guest, 'web', (await guest.dhcp())?.dns)).toContain(address);
    });

    it('lets guests reach the world, and the world not the guests', async () => {
      const outside = await lab.outside();
      const serve = (where: LabGuest, port: string) =>
        where.exec('busybox', ['timeout', '10', 'busybox', 'nc', '-l', '-p', port, '-e', '/bin/echo', 'hello'], [0, 1, 143]);
      const reach = (from: LabGuest, to: string, port: string) => from.exec('busybox', ['nc', '-w', '1', to, port], [0, 1]);

      const answered = serve(outside, '8001');
      await expect.poll(async () => (await reach(guest, '198.51.100.2', '8001')).stdout).toBe('hello\n');
      await answered;

      await outside.exec('ip', ['route', 'add', 'default', 'via', '198.51.100.1']);
      const listening = serve(guest, '8002');
      await expect.poll(async () => (await guest.exec('busybox', ['netstat', '-ltn'])).stdout).toContain(':8002');
      expect((await reach(outside, address, '8002')).stdout).toBe('');
      // The host itself may.
      const other = await lab.plugGuest('neighbour', network.bridge, '52:54:01:00:00:67');
      await other.dhcp();
      expect((await reach(other, address, '8002')).stdout).toBe('hello\n');
      await listening;
    });

    it('is found as it was by an agent that restarted', async () => {
      const found = subject.make(lab.folder).open(subject.networkId, subject.config);
      const made = await subject.hostState();
      expect(await found.ready()).toBe(true);
      await found.ensure(NEVER);
      expect(await subject.hostState()).toBe(made);
      expect(await found.addresses(MAC)).toEqual([address]);
    });

    it('refuses to go while guests are plugged in, and then takes away all that it made', async () => {
      await expect(network.remove(NEVER)).rejects.toMatchObject({ code: 'in-use' });
      await network.unregister(MAC);
      await lab.unplug();
      await network.remove(NEVER);
      await network.remove(NEVER);
      expect(await subject.hostState()).toBe(before);
      expect([await network.ready(), await network.exists()]).toEqual([false, false]);
    });
  });
}

async function lookup(from: LabGuest, name: string, server = 'none'): Promise<string> {
  return (await from.exec('busybox', ['nslookup', name, server], [0, 1])).stdout;
}
