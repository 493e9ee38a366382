import type { GuestView, StreamView, TaskView } from '@drover/shared/api/views';
import { WebSocket } from 'ws';
import type { Fleet } from './fleet.ts';

/** Something that people do to a guest. */
export interface Operation {
  readonly name: string;
  /** How the guest is before; null: there is none. */
  readonly before: 'running' | 'stopped' | null;
  /** Asks for it; settles when that is acknowledged. */
  ask(fleet: Fleet, guest: string): Promise<void>;
  /** How the guest must be in the end; null: there must be none. */
  readonly after: Readonly<Partial<Pick<GuestView, 'state' | 'memoryBytes'>>> | null;
  /** How often the guest may be started (also for a reboot) and told to run a program because of this. */
  readonly effects: { readonly started: number; readonly ran: number };
}

const NOTHING = { started: 0, ran: 0 };
const IMAGE = 'debian-13';
const guestBody = (name: string, image: string) => ({ type: 'container', name, image, memoryBytes: 64 * 2 ** 20, start: true });

type Accepted = { readonly task: TaskView };

export const OPERATIONS: readonly Operation[] = [
  {
    name: 'create',
    before: null,
    ask: async (fleet, guest) => void (await fleet.ask<Accepted>('POST', '/guests', guestBody(guest, IMAGE))),
    after: { state: 'running' },
    effects: { ...NOTHING, started: 1 },
  },
  {
    name: 'create with its image',
    before: null,
    ask: async (fleet, guest) => void (await fleet.ask<Accepted>('POST', '/guests', guestBody(guest, 'debian-12'))),
    after: { state: 'running' },
    effects: { ...NOTHING, started: 1 },
  },
  {
    name: 'edit',
    before: 'running',
    ask: async (fleet, guest) => void (await fleet.ask<Accepted>('PATCH', `/guests/${guest}`, { memoryBytes: 128 * 2 ** 20 })),
    after: { state: 'running', memoryBytes: 128 * 2 ** 20 },
    effects: NOTHING,
  },
  power('start', 'stopped', { state: 'running' }, { ...NOTHING, started: 1 }),
  power('stop', 'running', { state: 'stopped' }, NOTHING),
  power('shutdown', 'running', { state: 'stopped' }, NOTHING),
  power('reboot', 'running', { state: 'running' }, { ...NOTHING, started: 1 }),
  {
    name: 'exec',
    before: 'running',
    async ask(fleet, guest) {
      const stream = await fleet.ask<StreamView>('POST', `/guests/${guest}/exec`, { command: ['true'] }).catch((error: unknown) => {
        // Begun, and its address, which is given out once, went down with the control plane.
        if (String(error).includes('"code":"gone"')) return null;
        throw error;
      });
      // Whoever listens may be cut off with the rest: what counts is that the program never runs twice.
      if (stream) new WebSocket(stream.url).on('error', () => {});
    },
    after: { state: 'running' },
    effects: { ...NOTHING, ran: 1 },
  },
  {
    name: 'delete',
    before: 'running',
    ask: async (fleet, guest) => void (await fleet.ask<Accepted>('DELETE', `/guests/${guest}?force=true`)),
    after: null,
    effects: NOTHING,
  },
  {
    name: 'cancel a creation',
    before: null,
    async ask(fleet, guest) {
      const { task } = await fleet.ask<Accepted>('POST', '/guests', guestBody(guest, 'debian-12'));
      await fleet.ask<Accepted>('POST', `/tasks/${task.id}/cancel`);
    },
    after: null,
    // It may run before the cancellation can be asked for.
    effects: { ...NOTHING, started: 1 },
  },
];

function power(
  name: 'start' | 'stop' | 'shutdown' | 'reboot',
  before: 'running' | 'stopped',
  after: Operation['after'],
  effects: Operation['effects'],
): Operation {
  return {
    name,
    before,
    ask: async (fleet, guest) => void (await fleet.ask<Accepted>('POST', `/guests/${guest}/${name}`)),
    after,
    effects,
  };
}

/** Brings the guest into the state that the operation begins from. */
export async function prepare(fleet: Fleet, { before }: Operation, guest: string): Promise<void> {
  if (before === null) return;
  await fleet.ask('POST', '/guests', guestBody(guest, IMAGE));
  await fleet.converged();
  if (before === 'stopped') {
    await fleet.ask('POST', `/guests/${guest}/stop`);
    await fleet.converged();
  }
}

/** What is not as it must be once the operation was acknowledged and everything has converged; null: all is. `since`: how many events there were before. */
export async function judge(fleet: Fleet, { after, effects }: Operation, guest: string, since: number): Promise<string | null> {
  const response = await fleet.api.raw('GET', `/guests/${guest}`);
  if (after === null) {
    if (response.status !== 404) return `${guest} is still there`;
  } else {
    if (!response.ok) return `${guest} is not there: ${response.status}`;
    const view = (await response.json()) as GuestView;
    for (const [field, value] of Object.entries(after)) {
      const seen = view[field as keyof typeof after];
      if (seen !== value) return `${field} is ${seen}, not ${value}`;
    }
    if (view.crashes > 0) return 'it is said to have crashed';
  }
  const events = fleet.events().slice(since);
  const count = (what: string) => events.filter((event) => event.do === what).length;
  if (count('guest-doubled') > 0) return 'it was started while it ran';
  if (count('guest-started') > effects.started) return `it was started ${count('guest-started')} times`;
  if (count('guest-ran') > effects.ran) return `a program was run ${count('guest-ran')} times`;
  if (after !== null && events.some((event) => event.do === 'disk-removed')) return 'a disk was destroyed';
  return null;
}

/** Leaves nothing for the next one. */
export async function tidyUp(fleet: Fleet): Promise<void> {
  const { items: guests } = await fleet.api.get<{ items: GuestView[] }>('/guests?limit=1000');
  for (const { name } of guests) await fleet.ask('DELETE', `/guests/${name}?force=true`);
  await fleet.converged();
  const { items: images } = await fleet.api.get<{ items: { id: string; name: string }[] }>('/images');
  for (const { id, name } of images) if (name !== IMAGE) await fleet.ask('DELETE', `/images/${id}`);
  await fleet.converged();
}
