import { ReplacedHost } from '@drover/shared/api/host-views';
import { ReplaceHost } from '@drover/shared/api/requests';
import { z } from 'zod';
import { replaceHost } from '../../core/replace-host.ts';
import { actor } from '../act.ts';
import { askOf } from '../ask.ts';
import type { AppDeps } from '../deps.ts';
import { hostFor } from '../gate.ts';
import { onHost } from '../need.ts';
import { type Route, route } from '../route.ts';
import { Ref } from './params.ts';

export function hostReplaceRoutes(deps: AppDeps): Route[] {
  const { store } = deps;
  const act = actor(deps);
  return [
    route({
      method: 'POST',
      path: '/api/v1/hosts/{host}/replace',
      right: onHost('Sys.Modify'),
      tag: 'hosts',
      summary: 'Let a new host take the place of one that is lost',
      description:
        'Storages, networks, images and guests of the lost one are wished of the new one, under the same names and numbers; the lost one is forgotten. Content of disks comes back only where its storage is on the new machine: other disks are made anew from their images, or empty. `dryRun` says what would become of each, and changes nothing.',
      params: z.object({ host: Ref }),
      body: ReplaceHost,
      response: ReplacedHost,
      async handler(call) {
        const ask = askOf(call, deps);
        const { start, dryRun } = call.body;
        const other = await hostFor('Sys.Modify', call.body.with, call.caller.rights, store);
        const load = async () => [await store.views.onHost(call.params.host), await store.views.onHost(other)] as const;
        if (dryRun) {
          const [old, fresh] = await load();
          return { body: replaceHost(old, fresh, { start }, ask).answer };
        }
        const { answer } = await act(call, load, ([old, fresh]) => replaceHost(old, fresh, { start }, ask));
        deps.cells.disconnect(answer.from.id);
        return { body: answer };
      },
    }),
  ];
}
