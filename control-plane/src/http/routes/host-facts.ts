import { GuestFiguresView, HardwareView, HostFiguresView } from '@drover/shared/api/host-views';
import { Problem } from '@drover/shared/lib/problem';
import { GuestId } from '@drover/shared/model/id';
import { z } from 'zod';
import type { AppDeps } from '../deps.ts';
import { guestFiguresView, hardwareView, hostFiguresView } from '../host-views.ts';
import { onGuest, onHost } from '../need.ts';
import { type Route, route } from '../route.ts';
import { Ref } from './params.ts';

/** What a host is made of, and how it and its guests are doing now. */
export function hostFactsRoutes({ store, clock }: AppDeps): Route[] {
  async function hostNamed(ref: string) {
    const record = await store.host(ref);
    if (!record) throw new Problem('not-found', `there is no host ${ref}`, { field: 'host' });
    return record.host;
  }
  return [
    route({
      method: 'GET',
      path: '/api/v1/hosts/{host}/hardware',
      right: onHost('Sys.Audit'),
      tag: 'hosts',
      summary: 'What a host is made of: disks with their health, network cards, devices, NUMA nodes, processor flags',
      params: z.object({ host: Ref }),
      response: HardwareView,
      async handler({ params }) {
        const host = await hostNamed(params.host);
        return { body: hardwareView(host, await store.hardware(host.id)) };
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/hosts/{host}/figures',
      right: onHost('Sys.Audit'),
      tag: 'hosts',
      summary: 'How a host and its guests are doing: the newest figures, and how old they are',
      description:
        'A host tells them every half minute while it is connected; the newest are kept. For those to come ask GET /api/v1/events?figures={host}.',
      params: z.object({ host: Ref }),
      response: HostFiguresView,
      async handler({ params }) {
        const host = await hostNamed(params.host);
        return { body: hostFiguresView(host, await store.figures(host.id), clock.now()) };
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/guests/{guest}/figures',
      right: onGuest('VM.Audit'),
      tag: 'guests',
      summary: 'How a running guest is doing: the newest figures, and how old they are',
      params: z.object({ guest: Ref }),
      response: GuestFiguresView,
      async handler({ params }) {
        const record = await store.guest(params.guest);
        if (!record) throw new Problem('not-found', `there is no guest ${params.guest}`, { field: 'guest' });
        const { guest, host } = record;
        return { body: guestFiguresView(GuestId.parse(Number(guest.id)), await store.figures(host.id), clock.now()) };
      },
    }),
  ];
}
