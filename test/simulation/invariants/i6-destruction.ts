import type { SimulatedHost } from '../simulated-host.ts';
import type { Scene, Watch } from './watch.ts';

/** I6: nothing that holds somebody's data is destroyed without a tombstone that lists it. */
export function watchDestruction({ judge, ledger }: Scene): Watch {
  const mayDestroyDisk = (guestId: number, disk: string) => ledger.mayDestroy({ kind: 'guest', id: String(guestId) }, disk);
  return {
    machine(host, event) {
      const of = `on ${host.name} was destroyed, and no tombstone lists it`;
      if (event.do === 'disk-removed')
        judge.check(mayDestroyDisk(event.guestId, event.disk), `disk ${event.disk} of guest ${event.guestId} ${of}`);
      if (event.do === 'folder-removed') {
        for (const disk of event.disks) judge.check(mayDestroyDisk(event.guestId, disk), `disk ${disk} of guest ${event.guestId} ${of}`);
      }
      if (event.do === 'image-removed') {
        const standing = disksOn(host, event.imageId);
        judge.check(standing.length === 0, `image ${event.imageId} was removed under guest ${standing.join(', ')}`);
        judge.check(ledger.mayDestroy({ kind: 'image', id: event.imageId }, 'files'), `image ${event.imageId} ${of}`);
      }
    },
  };
}

const disksOn = ({ machine }: SimulatedHost, imageId: string): number[] =>
  [...machine.storages.values()].flatMap(({ folders }) =>
    [...folders].flatMap(([guestId, { disks }]) => ([...disks.values()].some(({ disk }) => disk.imageId === imageId) ? [guestId] : [])),
  );
