import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { lookAtQemu } from '../../../agent/src/drivers/guest/qemu-host.ts';
import type { Cleanup } from '../cleanup.ts';
import { runProgram } from '../run-program.ts';
import { VM, type VmContender } from '../vms/contender.ts';
import { startDaemon } from './daemon.ts';
import { startVirsh, type Virsh } from './virsh.ts';

const CONNECTIONS = 10;
const SOCKET = '/run/libvirt/libvirt-sock';
const NAME = 'drover-bench-';

/** libvirt's QEMU driver: the daemon that runs here, or one for the time of the benchmark. */
export async function startLibvirt(bridge: string, cleanup: Cleanup): Promise<VmContender> {
  const { kvm } = await lookAtQemu();
  await startDaemons(kvm, cleanup);
  const folder = join(tmpdir(), 'libvirt');
  mkdirSync(folder, { mode: 0o711 });
  const connections = Array.from({ length: CONNECTIONS }, () => startVirsh());
  cleanup.add('the connections to libvirt', () => {
    for (const connection of connections) connection.end();
  });
  const made = new Map<string, Virsh>();
  cleanup.add("libvirt's machines", () => clear(connections[0] as Virsh));
  // What a run left that was killed.
  await clear(connections[0] as Virsh);
  let next = 0;

  const of = (vm: string): Virsh => {
    const connection = made.get(vm);
    if (!connection) throw new Error(`no machine ${vm} was made`);
    return connection;
  };

  async function expect(vm: string, wanted: string): Promise<void> {
    const state = await of(vm).run(`domstate ${NAME}${vm}`);
    if (!state.includes(wanted)) throw new Error(`libvirt shows ${vm} as ${state}, not ${wanted}`);
  }

  async function destroy(vm: string): Promise<void> {
    await of(vm).run(`destroy ${NAME}${vm}`);
    await expect(vm, 'shut off');
  }

  async function remove(vm: string): Promise<void> {
    await of(vm).run(`undefine ${NAME}${vm}`);
    rmSync(join(folder, `${vm}.qcow2`), { force: true });
    made.delete(vm);
  }

  return {
    name: 'libvirt',
    async define(vm) {
      made.set(vm, connections[next++ % CONNECTIONS] as Virsh);
      const disk = join(folder, `${vm}.qcow2`);
      await runProgram('qemu-img', ['create', '-q', '-f', 'qcow2', disk, String(VM.diskBytes)]);
      const path = join(folder, `${vm}.xml`);
      writeFileSync(path, domain({ vm, disk, bridge, kvm }));
      await of(vm).run(`define ${path}`);
    },
    async start(vm) {
      await of(vm).run(`start ${NAME}${vm}`);
      await expect(vm, 'running');
    },
    status: (vm) => expect(vm, 'running'),
    destroy,
    remove,
  };
}

async function clear(connection: Virsh): Promise<void> {
  const names = (await connection.run('list --all --name')).split('\n').map((line) => line.trim());
  for (const name of names.filter((line) => line.startsWith(NAME))) {
    // Most do not run.
    await connection.run(`destroy ${name}`).catch(() => {});
    await connection.run(`undefine ${name}`);
  }
}

async function startDaemons(kvm: boolean, cleanup: Cleanup): Promise<void> {
  if (await answers()) return;
  mkdirSync('/run/libvirt', { recursive: true });
  // libvirt waits until somebody has buried QEMU, which not everybody's first process does at once: the shell does. And where
  // /dev/kvm can be opened but does not work, it asks QEMU for its capabilities before each thing that it does, unless it sees none.
  const covers: readonly (readonly [string, string, number])[] =
    !kvm && existsSync('/dev/kvm')
      ? [
          ['/dev/kvm', '', 0o000],
          // A /dev of its own for each guest would trip over the cover.
          ['/etc/libvirt/qemu.conf', 'namespaces = []\n', 0o600],
        ]
      : [];
  const mounts = covers.map(([path, text, mode], index) => {
    const cover = join(tmpdir(), `cover-${index}`);
    writeFileSync(cover, text, { mode });
    return `mount --bind ${cover} ${path} && `;
  });
  const options = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const daemons = startDaemon('unshare', [...options, 'sh', '-c', `${mounts.join('')}{ virtlogd & libvirtd & wait; }`]);
  cleanup.add('libvirtd', () => daemons.end('SIGKILL'));
  for (let tries = 0; !(await answers()); tries += 1) {
    if (tries === 100) throw new Error('libvirtd does not answer');
    await pause(100);
  }
}

const answers = (): Promise<boolean> =>
  existsSync(SOCKET)
    ? runProgram('virsh', ['--connect', 'qemu:///system', 'version']).then(
        () => true,
        () => false,
      )
    : Promise.resolve(false);

/** The same machine as the others': what libvirt adds to it by itself, it adds. */
function domain({ vm, disk, bridge, kvm }: { vm: string; disk: string; bridge: string; kvm: boolean }): string {
  const cpu = kvm ? '<cpu mode="host-passthrough"/>' : '<cpu mode="maximum"><feature policy="disable" name="cx16"/></cpu>';
  return `<domain type="${kvm ? 'kvm' : 'qemu'}">
  <name>${NAME}${vm}</name>
  <memory unit="b">${VM.memoryBytes}</memory>
  <vcpu>1</vcpu>
  <os><type arch="x86_64" machine="q35">hvm</type><boot dev="hd"/></os>
  <features><acpi/></features>
  ${cpu}
  <on_poweroff>destroy</on_poweroff>
  <devices>
    <disk type="file" device="disk"><driver name="qemu" type="qcow2" cache="none"/><source file="${disk}"/><target dev="vda" bus="virtio"/></disk>
    <interface type="bridge"><source bridge="${bridge}"/><model type="virtio"/></interface>
    <serial type="pty"/>
    <channel type="unix"><target type="virtio" name="org.qemu.guest_agent.0"/></channel>
    <rng model="virtio"><backend model="random">/dev/urandom</backend></rng>
    <memballoon model="virtio"/>
  </devices>
</domain>
`;
}
