import { type ResourceRef, refKey } from '@drover/shared/model/resource';
import { definitionDigest } from '../../../agent/src/core/definition.ts';
import type { Held } from '../../../control-plane/src/core/held.ts';
import type { RunFile } from '../machine.ts';
import type { SimulatedHost } from '../simulated-host.ts';
import type { Scene } from './watch.ts';

/** L1: after the last fault everything becomes as wished, without hand-work. What is still not; empty once all has settled. */
export async function findUnsettled(scene: Scene): Promise<string[]> {
  const unsettled: string[] = [];
  for (const host of scene.hosts) {
    const { resources, tasks, host: seen } = await scene.store().views.onHost(host.hostId);
    const byKey = new Map(resources.map((held) => [refKey(held), held]));
    if (!seen.connected) unsettled.push(`${host.name} is not connected`);
    const isHeld = (ref: ResourceRef) => ref.kind === 'image' && isHeldByOrphan(ref.id, host, byKey);
    for (const task of tasks) if (!isHeld(task.target)) unsettled.push(`task ${task.id} (${task.title}) is ${task.state}`);
    for (const held of resources) {
      if (held.deletion && isHeld(held)) continue;
      const why = whyUnsettled(held, host, byKey);
      if (why) unsettled.push(`${refKey(held)} of ${host.name}: ${why}`);
    }
    for (const [guestId, folder] of [...host.machine.storages.values()].flatMap((storage) => [...storage.folders])) {
      const isWished = byKey.has(`guest/${guestId}`) || seen.orphans.some(({ id }) => id === String(guestId));
      if (!isWished && (folder.disks.size > 0 || folder.definition))
        unsettled.push(`${host.name} has a guest ${guestId} that nobody knows of`);
    }
  }
  return unsettled;
}

function whyUnsettled(held: Held, host: SimulatedHost, byKey: ReadonlyMap<string, Held>): string | null {
  if (isHopeless(held, host, byKey)) return held.ackedGeneration === held.generation ? null : 'not acknowledged';
  if (held.kind === 'task') return 'a task that has not ended';
  if (held.deletion) return 'it is still being deleted';
  if (held.appliedGeneration !== held.generation) {
    const { condition, waitingFor, problem } = held.status ?? {};
    return `generation ${held.generation}, acknowledged ${held.ackedGeneration}, applied ${held.appliedGeneration}: ${condition ?? 'unheard of'} ${waitingFor ?? ''}${problem?.detail ?? ''}`;
  }
  if (held.status?.condition !== 'settled') return `it is ${held.status?.condition ?? 'unheard of'}`;
  return held.kind === 'guest' ? whyGuestIsOther(held, host) : null;
}

/** What the host itself shows must agree with what was reported. */
function whyGuestIsOther(guest: Held<'guest'>, host: SimulatedHost): string | null {
  const id = Number(guest.id);
  const folder = [...host.machine.storages.values()].map((storage) => storage.folders.get(id)).find(Boolean);
  const isRunning = host.machine.running.has(id);
  if (folder?.definition?.digest !== definitionDigest(guest.spec)) return 'its definition is another';
  if (guest.status?.observed.power !== (isRunning ? 'running' : 'stopped'))
    return `it is said to be ${String(guest.status?.observed.power)}`;
  if (isRunning) return guest.spec.power === 'running' ? null : 'it runs';
  return guest.spec.power !== 'running' || mayStayOff(folder.run, guest) ? null : 'it does not run';
}

const mayStayOff = (run: RunFile | null, guest: Held<'guest'>): boolean =>
  run?.powerRequest === guest.spec.powerRequest && (run.end === 'self' || (run.end === 'host' && !guest.spec.startAtBoot));

/** A guest that nobody wished for, as after a restore, keeps its image until a person has decided about it. */
function isHeldByOrphan(imageId: string, host: SimulatedHost, byKey: ReadonlyMap<string, Held>): boolean {
  const orphans = (host.journal?.all() ?? []).filter(({ resource }) => resource.kind === 'guest' && !byKey.has(refKey(resource)));
  return orphans.some(({ resource }) => JSON.stringify(resource.spec).includes(imageId));
}

/** It fails for ever, or stands on what does; then it is enough that it is said. */
function isHopeless(held: Held, host: SimulatedHost, byKey: ReadonlyMap<string, Held>): boolean {
  const { poisoned } = host.weather;
  if (held.kind === 'image') return poisoned.has(held.spec.name);
  if (held.kind !== 'guest') return false;
  const images = held.spec.disks.flatMap((disk) => byKey.get(`image/${disk.imageId ?? ''}`) ?? []);
  return poisoned.has(held.id) || images.some((image) => isHopeless(image, host, byKey));
}
