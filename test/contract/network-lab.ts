import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../agent/src/host/shell.ts';

/** Network namespaces that stand in for guests and for the world outside; everything has the lab's own prefix and goes with it. */
export interface NetworkLab {
  readonly folder: string;
  /** A namespace with one NIC, plugged into a bridge. */
  plugGuest(name: string, bridge: string, mac: string): Promise<LabGuest>;
  /** A namespace beyond the host, reached through it; the host has 198.51.100.1, it has 198.51.100.2. It knows no way to the guests. */
  outside(): Promise<LabGuest>;
  /** Takes the guests and the world outside away. */
  unplug(): Promise<void>;
  /** The same, and the folder. */
  close(): Promise<void>;
}

export interface LabGuest {
  /** Runs a program in the namespace. */
  exec(program: string, args: readonly string[], okCodes?: readonly number[]): Promise<{ readonly code: number; readonly stdout: string }>;
  /** Gets an address by DHCP, as a guest's client does; null when nobody answers. Name servers that were offered come along. */
  dhcp(
    hostname?: string,
  ): Promise<{ readonly address: string; readonly router: string; readonly dns: string; readonly domain: string } | null>;
}

const UDHCPC_SCRIPT = `#!/bin/busybox sh
[ "$1" = bound ] || exit 0
busybox ip addr flush dev "$interface"
busybox ip addr add "$ip/$mask" dev "$interface"
busybox ip route add default via "$router"
echo "lease $ip $router $dns $domain"
`;

export function createNetworkLab(prefix: string): NetworkLab {
  const folder = mkdtempSync(join(tmpdir(), 'drover-network-'));
  chmodSync(folder, 0o711);
  const script = join(folder, 'udhcpc.sh');
  writeFileSync(script, UDHCPC_SCRIPT, { mode: 0o755 });
  const namespaces: string[] = [];
  const links: string[] = [];

  async function namespace(name: string, index: number): Promise<{ guest: LabGuest; namespace: string; link: string }> {
    const namespace = `${prefix}-${name}`;
    const link = `${prefix}${index}`;
    // What a run that was killed left behind.
    await run('ip', ['netns', 'del', namespace], { okCodes: [0, 1] });
    await run('ip', ['link', 'del', link], { okCodes: [0, 1] });
    await run('ip', ['netns', 'add', namespace]);
    namespaces.push(namespace);
    await run('ip', ['link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace]);
    links.push(link);
    await run('ip', ['netns', 'exec', namespace, 'ip', 'link', 'set', 'lo', 'up']);
    const exec: LabGuest['exec'] = (program, args, okCodes = [0]) =>
      run('ip', ['netns', 'exec', namespace, program, ...args], { okCodes, timeoutMs: 20_000 });
    const guest: LabGuest = {
      exec,
      async dhcp(hostname) {
        const asked = hostname === undefined ? [] : ['-x', `hostname:${hostname}`];
        const client = ['udhcpc', '-f', '-n', '-q', '-t', '3', '-T', '1', '-i', 'eth0', '-s', script, '-O', 'domain', ...asked];
        const { stdout } = await exec('busybox', client, [0, 1]);
        const [, address, router, dns, domain] = /^lease (\S+) (\S+) (\S+) (\S+)$/m.exec(stdout) ?? [];
        return address && router && dns && domain ? { address, router, dns, domain } : null;
      },
    };
    return { guest, namespace, link };
  }

  async function unplug() {
    for (const name of namespaces) await run('ip', ['netns', 'del', name], { okCodes: [0, 1] });
    for (const link of links) await run('ip', ['link', 'del', link], { okCodes: [0, 1] });
  }

  return {
    folder,
    async plugGuest(name, bridge, mac) {
      const made = await namespace(name, links.length);
      await made.guest.exec('ip', ['link', 'set', 'eth0', 'address', mac, 'up']);
      await run('ip', ['link', 'set', made.link, 'master', bridge, 'up']);
      return made.guest;
    },
    async outside() {
      const made = await namespace('outside', links.length);
      await run('ip', ['addr', 'add', '198.51.100.1/24', 'dev', made.link]);
      await run('ip', ['link', 'set', made.link, 'up']);
      await made.guest.exec('ip', ['addr', 'add', '198.51.100.2/24', 'dev', 'eth0']);
      await made.guest.exec('ip', ['link', 'set', 'eth0', 'up']);
      return made.guest;
    },
    unplug,
    async close() {
      await unplug();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
