import type { Clock } from '@drover/shared/lib/clock';
import { Problem } from '@drover/shared/lib/problem';
import { GuestStatus, type Power } from '@drover/shared/model/guest';
import type { Resource } from '@drover/shared/model/resource';
import type { Wish } from '@drover/shared/model/spec';
import type { Choices } from '../choices.ts';
import { isInForce } from '../core/choice.ts';
import type { Drivers } from '../drivers/drivers.ts';
import type { Stream } from '../drivers/stream.ts';
import type { Journal } from '../journal.ts';
import { placeOf } from '../perform.ts';
import type { Reconciler } from '../reconcile.ts';
import type { Wishes } from '../wishes.ts';
import type { LocalGuest, LocalStatus } from './protocol.ts';

/** Longer than any step that starts or ends a guest takes; how long a guest takes to shut down is its own affair. */
const POWER_DEADLINE_MS = { running: 180_000, off: 90_000, shutdown: 600_000 } as const satisfies Record<Power, number>;
const LOOK_MS = 250;

/** What people on the host itself may ask of the agent: all of it works without the control plane. */
export interface Answers {
  status(): Omit<LocalStatus, 'name' | 'controlPlaneUrl' | 'version'>;
  guests(): LocalGuest[];
  /** Resolves, with a line for people, once the guest is so. Throws Problem when it does not come to that. */
  power(guest: string, power: Power, signal: AbortSignal): Promise<string>;
  console(guest: string): Promise<Stream>;
  pause(reason: string): void;
  resume(): void;
  /** Ends all guests, in order, and starts none any more. */
  hostDown(): Promise<void>;
}

export interface AnswersPorts {
  readonly hostId: string;
  readonly journal: Journal;
  readonly wishes: Wishes;
  readonly drivers: Drivers;
  readonly reconciler: Reconciler;
  readonly choices: Choices;
  readonly clock: Clock;
  readonly link: () => LocalStatus['link'];
  readonly isGoingDown: () => boolean;
  readonly goDown: () => Promise<void>;
  /** The control plane is to hear of a pause, or its end. */
  readonly pauseChanged: () => void;
}

export function createAnswers(ports: AnswersPorts): Answers {
  const { journal, wishes, drivers, reconciler, choices, clock } = ports;

  const seen = (id: string): GuestStatus | null => {
    const word = reconciler.lastWord({ kind: 'guest', id });
    return word === null ? null : (GuestStatus.safeParse(word.observed).data ?? null);
  };

  function guests(): LocalGuest[] {
    return wishes
      .all('guest')
      .map((wish) => {
        const { id, spec } = wish;
        const word = reconciler.lastWord({ kind: 'guest', id });
        const status = seen(id);
        const choice = choices.powerOf(id);
        return {
          id: Number(id),
          name: spec.name,
          type: spec.type,
          power: status?.power ?? ('unknown' as const),
          addresses: status?.addresses ?? [],
          startedAtMs: status?.startedAtMs ?? null,
          condition: word?.condition ?? null,
          waitingFor: word?.waitingFor ?? null,
          problem: word?.problem?.detail ?? null,
          local: isInForce(choice, wish) ? { power: choice.power, atMs: choice.atMs } : null,
        };
      })
      .sort((a, b) => a.id - b.id);
  }

  function find(guest: string): Wish<'guest'> {
    const found = wishes.all('guest').find(({ id, spec }) => id === guest || spec.name === guest);
    if (found) return found;
    throw new Problem('not-found', `this host has no guest ${guest}`, { suggestion: 'drover-agent guests lists what there is' });
  }

  /** Looks until it is so; what has failed is said at once, though the agent goes on to try. */
  async function until(wish: Wish<'guest'>, isSo: (running: boolean) => boolean, deadlineMs: number, signal: AbortSignal): Promise<void> {
    const ref = { kind: 'guest', id: wish.id } as const;
    const { id, folder, type } = placeOf(wish, wishes);
    const untilMs = clock.now() + deadlineMs;
    for (;;) {
      reconciler.wake(ref);
      // After what is in its queue by now.
      await reconciler.exclusively(ref, async () => {});
      const observed = await drivers.guests[type].observe(id, folder);
      if (isSo(observed?.running ?? false)) return;
      const word = reconciler.lastWord(ref);
      if (word?.problem) throw new Problem(word.problem.code, word.problem.detail, { suggestion: word.problem.suggestion });
      if (ports.isGoingDown()) throw new Problem('wrong-state', 'the host is going down');
      if (clock.now() > untilMs)
        throw new Problem(
          'timeout',
          `guest ${wish.spec.name} is not there yet${word?.waitingFor ? `: it waits for ${word.waitingFor}` : ''}`,
          {
            suggestion: 'the agent goes on with it: drover-agent guests says how it is',
          },
        );
      await clock.sleep(LOOK_MS, signal);
    }
  }

  return {
    guests,
    hostDown: ports.goDown,
    status() {
      const all = guests();
      const attention = journal.all().flatMap(({ resource }) => {
        const word = reconciler.lastWord(resource);
        if (word?.condition !== 'needs-attention' && word?.condition !== 'unsupported') return [];
        const { detail = 'it was given up', suggestion } = word.problem ?? {};
        return [{ what: `${resource.kind} ${nameOf(resource)}`, detail, ...(suggestion === undefined ? {} : { suggestion }) }];
      });
      const running = all.filter(({ power }) => power === 'running').length;
      return {
        hostId: ports.hostId,
        start: journal.boot,
        link: ports.link(),
        paused: choices.paused(),
        isGoingDown: ports.isGoingDown(),
        guests: { running, total: all.length },
        attention,
      };
    },
    async power(guest, power, signal) {
      const wish = find(guest);
      const { name, powerRequest } = wish.spec;
      if (wish.deletion) throw new Problem('wrong-state', `guest ${name} is being deleted`);
      if (ports.isGoingDown()) throw new Problem('wrong-state', 'the host is going down');
      choices.choosePower(wish.id, { power, powerRequest }, clock.now());
      const leave = reconciler.attend({ kind: 'guest', id: wish.id });
      try {
        await until(wish, (running) => running === (power === 'running'), POWER_DEADLINE_MS[power], signal);
      } finally {
        leave();
      }
      return `Guest ${name} ${power === 'running' ? 'runs' : power === 'shutdown' ? 'has shut down' : 'is stopped'}. That holds until somebody asks the control plane for another power state.`;
    },
    async console(guest) {
      const wish = find(guest);
      const { id, folder, type } = placeOf(wish, wishes);
      const observed = await drivers.guests[type].observe(id, folder);
      if (!observed?.running)
        throw new Problem('wrong-state', `guest ${wish.spec.name} is not running`, {
          suggestion: `start it first: drover-agent guests start ${wish.spec.name}`,
        });
      return drivers.guests[type].console(id, folder);
    },
    pause(reason) {
      choices.pause(reason, clock.now());
      reconciler.wakeAll();
      ports.pauseChanged();
    },
    resume() {
      choices.resume();
      reconciler.wakeAll();
      ports.pauseChanged();
    },
  };
}

function nameOf({ id, spec }: Resource): string {
  return typeof spec.name === 'string' ? spec.name : id;
}
