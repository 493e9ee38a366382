import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { realClock } from '@drover/shared/lib/clock';
import { Problem } from '@drover/shared/lib/problem';
import { QEMU_PROGRAM, type QemuFacts } from '../../agent/src/drivers/guest/qemu-host.ts';
import { endSupervised, isSupervisedAlive, lastLines, type Supervised, supervise, waitUntilGone } from '../../agent/src/host/supervise.ts';
import { createRootOverlay } from './disk.ts';
import { GuestChannel } from './guest-channel.ts';
import { cacheFolder, type LabImage } from './image.ts';
import { leaveMemoryOut, untilMigrated, withMonitor } from './monitor.ts';
import { makeTap, removeDevice } from './network.ts';
import { makeOnce } from './once.ts';
import { consolePath, type MachinePlaces, machineCommand } from './qemu.ts';
import { digestOf } from './recipe.ts';
import type { Say } from './say.ts';

/** A host that has booted, stopped in time: its memory, its devices, and what its disk has beyond the image's. Read only, shared by all made of it. */
export interface SavedHost {
  readonly folder: string;
  readonly ramPath: string;
  readonly statePath: string;
  readonly diskPath: string;
}

const BOOT_MS = 600_000;

/** What is done before it is saved. Programs that tests use soon, so that their pages are in the memory that is saved, where all hosts share them. */
const WARM_UP = [
  // First, what systemd does not wait for: devices that nothing mounts.
  ['udevadm', 'settle', '--timeout=240'],
  ['node', '--version'],
  ['qemu-system-x86_64', '--version'],
  ['sh', '-c', 'ip -br link; nft list ruleset; lvm version; tc qdisc; networkctl list; hostname; date'],
  ['sh', '-c', 'ssh-keygen -q -t ed25519 -N "" -f /tmp/key; rm /tmp/key*'],
  ['modprobe', '--all', 'sch_netem', 'bridge', 'tun', 'veth', 'nf_tables', 'kvm_amd', 'sd_mod'],
];

/** The saved host of an image; booted once if it never was with this memory and this QEMU. */
export async function ensureSaved(
  facts: QemuFacts,
  image: LabImage,
  memoryMiB: number,
  say: Say,
  signal?: AbortSignal,
): Promise<SavedHost> {
  const devices = machineCommand(facts, { kernelPath: '', initrdPath: '' }, memoryMiB, { kind: 'save', ramPath: '' }, placesIn('', ''));
  const folder = join(cacheFolder(), `saved-${digestOf([image.digest, facts.version, devices, WARM_UP])}`);
  await makeOnce(folder, `a running host with ${memoryMiB} MiB to start others from`, say, (work) =>
    boot(facts, image, memoryMiB, work, say, signal),
  );
  return { folder, ramPath: join(folder, 'ram'), statePath: join(folder, 'state'), diskPath: join(folder, 'disk.qcow2') };
}

const placesIn = (folder: string, tap: string): MachinePlaces => ({
  folder,
  uuid: '00000000-0000-4000-8000-000000000001',
  mac: '52:54:00:d0:00:00',
  tap,
  root: { path: join(folder, 'disk.qcow2') },
  below: [],
  disks: [],
});

async function boot(facts: QemuFacts, image: LabImage, memoryMiB: number, work: string, say: Say, signal?: AbortSignal): Promise<void> {
  // Sockets have short paths, and must not be kept.
  const folder = `/run/drover-lab-boot-${process.pid}`;
  const tap = `labboot${process.pid % 100_000}`;
  const logPath = join(folder, 'qemu.log');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const places = { ...placesIn(folder, tap), below: [{ format: 'raw', path: image.diskPath }] as const };
  let qemu: Supervised | null = null;
  try {
    await makeTap(tap);
    const root = { path: await createRootOverlay(work, image.diskPath, 'raw', image.diskBytes) };
    const start = { kind: 'save', ramPath: join(work, 'ram') } as const;
    const argv = machineCommand(facts, image, memoryMiB, start, { ...places, root });
    const unit = `drover-lab-boot-${process.pid}`;
    qemu = await supervise(QEMU_PROGRAM, argv, {
      unit,
      slice: 'drover-lab.slice',
      description: 'First boot of a host of the lab',
      logPath,
      env: { DROVER_LAB_STATE: join(work, 'state') },
    });
    const running = qemu;
    const look = () => {
      if (signal?.aborted) throw new Problem('cancelled', 'the first boot was not waited for', { cause: signal.reason });
      if (!isSupervisedAlive(running)) throw new Problem('host-failed', `QEMU ended${lastLines(logPath)}`);
    };
    await untilBooted(folder, look, say);
    await save(folder);
    // It writes the last of the disk before it ends.
    await waitUntilGone(qemu, realClock, 60_000);
  } finally {
    if (qemu) await endSupervised(qemu, realClock);
    await removeDevice(tap);
    rmSync(folder, { recursive: true, force: true });
  }
}

async function untilBooted(folder: string, look: () => void, say: Say): Promise<void> {
  const channel = new GuestChannel(folder);
  const deadline = realClock.now() + BOOT_MS;
  for (;;) {
    look();
    try {
      await channel.ask('guest-ping', {}, 1_000);
      break;
    } catch (thrown) {
      if (realClock.now() > deadline)
        throw new Problem('timeout', `the image does not boot within ${BOOT_MS / 1_000} s${lastLines(consolePath(folder), 20)}`, {
          cause: thrown,
        });
    }
  }
  const { stdout } = await channel.exec(['systemctl', 'is-system-running', '--wait'], { timeoutMs: 300_000 });
  if (stdout.trim() !== 'running') {
    const failed = await channel.exec(['systemctl', '--failed', '--plain', '--no-legend']);
    say(`the host that is saved is ${stdout.trim()}: ${failed.stdout.trim() || 'it does not say of what'}`);
  }
  for (const command of WARM_UP) await channel.exec(command, { timeoutMs: 300_000 });
  // Keys of the host that is saved are nobody's.
  await channel.exec(['sh', '-c', 'rm -f /etc/ssh/ssh_host_*; journalctl --rotate --vacuum-size=1K; sync']);
  channel.close();
}

async function save(folder: string): Promise<void> {
  await withMonitor(folder, async (ask) => {
    await ask('stop');
    await leaveMemoryOut(ask);
    // The path comes by the environment: no word of it is read by the shell that QEMU starts.
    await ask('migrate', { uri: 'exec:cat > "$DROVER_LAB_STATE"' });
    await untilMigrated(ask, 'the state of the host is saved');
    await ask('quit');
  });
}
