import { CreateGuest, EditGuest } from '@drover/shared/api/requests';
import { MiB, type Power } from '@drover/shared/model/guest';
import type { Chance } from './chance.ts';

/** What people do with guests. */
export type Deed =
  | { readonly do: 'create'; readonly input: CreateGuest }
  | { readonly do: 'power'; readonly guest: string; readonly power: Power }
  | { readonly do: 'edit'; readonly guest: string; readonly input: EditGuest }
  | { readonly do: 'delete' | 'reboot'; readonly guest: string; readonly force: boolean }
  | { readonly do: 'exec' | 'console'; readonly guest: string; readonly ticket: string };

const NAMES = ['web', 'db', 'mail', 'cache', 'queue', 'build'];

export function newGuest(chance: Chance): Deed {
  const input = CreateGuest.parse({
    type: chance.pick(['container', 'vm'] as const),
    name: `${chance.pick(NAMES)}-${chance.between(1, 9)}`,
    image: chance.pick(['debian-13', 'debian-12']),
    memoryBytes: chance.between(64, 512) * MiB,
    diskBytes: 1024 * MiB,
    start: chance.happens(0.7),
    startAtBoot: chance.happens(0.5),
  });
  return { do: 'create', input };
}

export const someEdit = (chance: Chance): EditGuest =>
  EditGuest.parse(
    chance.pick([
      { notes: chance.text(6) },
      { memoryBytes: chance.between(64, 512) * MiB },
      { cores: chance.between(1, 4) },
      { name: `${chance.pick(NAMES)}-${chance.between(1, 9)}` },
      { startAtBoot: chance.happens(0.5) },
    ]),
  );

/** Things that are done once. */
export function oneAct(chance: Chance, guest: string): Deed {
  const ticket = chance.text(40);
  const kind = chance.pick(['reboot', 'exec', 'exec', 'console'] as const);
  return kind === 'reboot' ? { do: 'reboot', guest, force: chance.happens(0.3) } : { do: kind, guest, ticket };
}
