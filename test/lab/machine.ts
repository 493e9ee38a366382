import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { realClock } from '@drover/shared/lib/clock';
import { Problem } from '@drover/shared/lib/problem';
import { uuidOf } from '../../agent/src/drivers/guest/identity.ts';
import { lookAtQemu, QEMU_PROGRAM } from '../../agent/src/drivers/guest/qemu-host.ts';
import { endSupervised, isSupervisedAlive, lastLines, supervise } from '../../agent/src/host/supervise.ts';
import { createRootOverlay, endStore, startStore } from './disk.ts';
import { GuestChannel } from './guest-channel.ts';
import { ensureImage } from './image.ts';
import { type Ask, leaveMemoryOut, untilMigrated, withMonitor } from './monitor.ts';
import { addressOf, gatewayOf, macOf, nameServers, plugTap, tapName } from './network.ts';
import { type MachinePlaces, machineCommand, qmpPath, type Start } from './qemu.ts';
import { ensureSaved } from './saved.ts';
import type { Say } from './say.ts';
import { type HostRecord, hostFolder, type LabRecord, readLab, writeHost } from './state.ts';
import { until } from './until.ts';

/** The machine under a host: its QEMU and the stores of its disks, and how they begin and end. */

/** A host that goes on where the saved one stopped, as somebody else. */
export async function resume(lab: LabRecord, number: number, say: Say): Promise<void> {
  const facts = await lookAtQemu();
  const image = await ensureImage(lab.release, say);
  const saved = await ensureSaved(facts, image, lab.memoryMiB, say);
  const folder = hostFolder(lab.name, number);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = await createRootOverlay(folder, saved.diskPath, 'qcow2', image.diskBytes);
  const record: HostRecord = {
    number,
    name: `host${number}`,
    uuid: uuidOf(hex32()),
    machineId: hex32(),
    mac: macOf(lab.subnet, number),
    address: addressOf(lab.subnet, number),
    tap: tapName(lab.subnet, number),
    qemu: null,
    disks: [{ name: 'root', path, socketPath: join(folder, 'root.sock'), format: 'qcow2', store: null }],
    cut: null,
    kbit: null,
  };
  writeHost(lab.name, record);
  await plugTap(lab.subnet, number);
  await start(lab, record, { kind: 'resume', ramPath: saved.ramPath }, saved.statePath, say);
  await withMonitor(folder, takeIn);
  await becomeItself(lab, record);
}

async function takeIn(ask: Ask): Promise<void> {
  await leaveMemoryOut(ask);
  await ask('migrate-incoming', { uri: 'exec:cat "$DROVER_LAB_STATE"' });
  await untilMigrated(ask, 'the saved host is taken in');
  await ask('cont');
}

async function becomeItself(lab: LabRecord, record: HostRecord): Promise<void> {
  const channel = new GuestChannel(hostFolder(lab.name, record.number));
  const { name, machineId, mac, address } = record;
  const words = [name, machineId, mac, `${address}/24`, gatewayOf(lab.subnet), nameServers().join(' ')];
  const { code, stderr } = await channel.exec(['lab-identity', ...words]);
  channel.close();
  if (code !== 0) throw new Problem('host-failed', `${name} could not be given its identity: ${stderr.trim()}`);
}

/** From its disk, as it stands. */
export async function boot(lab: string, record: HostRecord): Promise<void> {
  await start(readLab(lab), record, { kind: 'boot' }, '', () => {});
}

/** Starts the stores, then QEMU; the record says so before and after, so that nothing is ever running that nobody knows of. */
async function start(lab: LabRecord, record: HostRecord, how: Start, statePath: string, say: Say): Promise<void> {
  const facts = await lookAtQemu();
  const image = await ensureImage(lab.release, say);
  const saved = await ensureSaved(facts, image, lab.memoryMiB, say);
  const folder = hostFolder(lab.name, record.number);
  const unit = `drover-lab-${lab.name}-${record.number}`;
  const disks = [];
  for (const disk of record.disks) {
    disks.push({ ...disk, store: await startStore(disk, `${unit}-${disk.name}`) });
    writeHost(lab.name, { ...record, disks: [...disks, ...record.disks.slice(disks.length)] });
  }
  const [root, ...others] = disks;
  if (!root) throw new Problem('internal', `${record.name} has no disk to boot from`);
  const places: MachinePlaces = {
    folder,
    uuid: record.uuid,
    mac: record.mac,
    tap: record.tap,
    root,
    below: [
      { format: 'qcow2', path: saved.diskPath },
      { format: 'raw', path: image.diskPath },
    ],
    disks: others,
  };
  rmSync(qmpPath(folder), { force: true });
  const logPath = join(folder, 'qemu.log');
  const options = { unit, slice: 'drover-lab.slice', description: `Host ${record.name} of a lab`, logPath };
  const argv = machineCommand(facts, image, lab.memoryMiB, how, { ...places, root: { socketPath: root.socketPath } });
  const qemu = await supervise(QEMU_PROGRAM, argv, { ...options, env: { DROVER_LAB_STATE: statePath } });
  writeHost(lab.name, { ...record, disks, qemu });
  await until(`${record.name} starts`, 20_000, () => {
    // Nothing comes of waiting for one that has ended.
    if (!isSupervisedAlive(qemu)) throw new Problem('host-failed', `QEMU ended${lastLines(logPath)}`);
    return existsSync(qmpPath(folder));
  });
}

/** At once, the machine first: a flush that it has begun must not be finished by the disk alone. */
export async function pullPower(lab: string, record: HostRecord): Promise<void> {
  if (record.qemu) await endSupervised(record.qemu, realClock);
  await Promise.all(record.disks.map(endStore));
  writeHost(lab, { ...record, qemu: null, disks: record.disks.map((disk) => ({ ...disk, store: null })) });
}

/** Any number a machine could have been given. */
const hex32 = (): string => randomBytes(16).toString('hex');
