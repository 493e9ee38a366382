import { digest } from '@drover/shared/lib/digest';
import { Problem } from '@drover/shared/lib/problem';
import { newId, UserId } from '@drover/shared/model/id';
import type { Accepted, Ask, Change, Decision, IdempotencyKey } from '../../control-plane/src/core/change.ts';
import { createImage, removeImage } from '../../control-plane/src/core/fabric.ts';
import { createGuest, editGuest, removeGuest, setPower } from '../../control-plane/src/core/guests.ts';
import { beginConsole, beginExec, beginReboot, cancelTask } from '../../control-plane/src/core/tasks.ts';
import type { Chance } from './chance.ts';
import type { Desk } from './control-plane.ts';
import { type Deed, newGuest, oneAct, someEdit } from './deeds.ts';
import type { Stage } from './stage.ts';

/** One thing that somebody asks for, as the API's routes would: it can be asked again, word for word. */
interface Request {
  readonly what: string;
  /** People change their minds about making things. */
  readonly mayBeRegretted: boolean;
  readonly key: IdempotencyKey | undefined;
  readonly ifMatch: number | undefined;
  /** What was decided about it, in all tries, and what the database was then. */
  readonly decided: Change[];
  readonly history: number;
  /** What all that comes of it draws from. */
  readonly chance: Chance;
  send(desk: Desk, decided: (change: Change) => void): Promise<Accepted>;
}

/** How what people ask for is passed on: the routes' part of the rules. */
export interface Manners {
  readonly heedsIfMatch: boolean;
}
export const SOUND_MANNERS: Manners = { heedsIfMatch: true };

/** What a person was told, and all that was decided about what they asked for. */
export interface Answered extends Pick<Request, 'what' | 'ifMatch' | 'decided' | 'history'> {
  readonly was: 'accepted' | 'refused';
  /** The decision that the answer came of; null: none was made. */
  readonly change: Change | null;
}

export interface PersonPorts {
  readonly stage: Stage;
  readonly chance: Chance;
  readonly manners: Manners;
  /** A control plane that answers, or none. */
  readonly desk: () => Desk | null;
}

const GUESTS_MAX = 10;
const ANSWER_MS = 10_000;

/** A person with a browser tab that may be old: does everything that can be done, at random, and again when no answer came. */
export class Person {
  readonly #userId: UserId;
  /** What the tab shows: the generation of each guest when it was last looked at. */
  readonly #tab = new Map<string, number>();
  readonly #tasks: string[] = [];
  /** In a story that says so. */
  #asOf: number | undefined;
  #chance: Chance;
  requests = { answered: 0, refused: 0, unanswered: 0 };

  constructor(
    readonly name: string,
    private readonly ports: PersonPorts,
  ) {
    this.#chance = ports.chance;
    this.#userId = UserId.parse(`user_${ports.chance.text(20)}`);
  }

  /** Does one thing; `chance` is drawn from for all that comes of it. */
  act(chance: Chance): void {
    this.#chance = chance;
    if (chance.happens(0.25)) this.#look();
    const request = this.#thinkOfSomething();
    if (request) this.#send(request, 3);
  }

  /** Does what a story says. `asOf`: what their tab shows, and they insist on. */
  do(deed: Deed, asOf?: number): void {
    this.#asOf = asOf;
    this.#send(this.#requestOf(deed), 3);
  }

  #send(request: Request, triesLeft: number): void {
    const { timeline, judge, tell } = this.ports.stage;
    const { chance } = request;
    const desk = this.ports.desk();
    let isOver = false;
    const again = () => {
      isOver = true;
      this.requests.unanswered += 1;
      if (triesLeft > 1 && request.key) this.#send(request, triesLeft - 1);
    };
    const cancel = timeline.after(ANSWER_MS, again);
    if (!desk) return;
    // The person's own connection breaks: it was done, or not, and nobody tells.
    const isAnswerLost = chance.happens(0.06);
    let last: Change | null = null;
    const decided = (change: Change) => {
      last = change;
      request.decided.push(change);
    };
    const tellJudges = (was: Answered['was']) => this.ports.stage.told((watch) => watch.answered?.({ ...request, was, change: last }));
    const answered = ({ ref, taskId }: Accepted) => {
      if (isAnswerLost) return;
      cancel();
      if (!isOver) this.requests.answered += 1;
      this.#tasks.push(taskId);
      tell(`${this.name}: ${request.what} → ${ref.kind} ${ref.id}, ${taskId}`);
      tellJudges('accepted');
      if (request.mayBeRegretted && chance.happens(0.15))
        timeline.after(chance.between(100, 9_000), () => this.#send(this.#cancel(taskId, chance), 1));
    };
    request.send(desk, decided).then(answered, (thrown: unknown) => {
      cancel();
      if (!isOver) this.requests.refused += 1;
      const problem = Problem.from(thrown);
      tell(`${this.name}: ${request.what} → refused: ${problem.message}`);
      judge.check(thrown instanceof Problem && problem.code !== 'internal', `"${request.what}" failed by a bug: ${String(thrown)}`);
      tellJudges('refused');
    });
  }

  #thinkOfSomething(): Request | null {
    const chance = this.#chance;
    const guests = this.#guests();
    if (guests.length < 2 || (guests.length < GUESTS_MAX && chance.happens(0.15))) return this.#requestOf(newGuest(chance));
    const guest = chance.pick(guests);
    const drawn = chance.fraction();
    if (drawn >= 0.64 && drawn < 0.85) return this.#requestOf(oneAct(chance, this.#runningGuest() ?? guest));
    if (drawn < 0.42)
      return this.#requestOf({ do: 'power', guest, power: chance.pick(['running', 'running', 'shutdown', 'off'] as const) });
    if (drawn < 0.56) return this.#requestOf({ do: 'edit', guest, input: someEdit(chance) });
    if (drawn < 0.64) return this.#requestOf({ do: 'delete', guest, force: chance.happens(0.6) });
    if (drawn < 0.92) return this.#cancelTask();
    if (drawn < 0.97) return this.#createImage();
    return this.#removeImage();
  }

  #requestOf(deed: Deed): Request {
    switch (deed.do) {
      case 'create': {
        const { input } = deed;
        return this.#request(
          `create ${input.type} ${input.name}`,
          input,
          (store) => store.views.createGuest(input),
          (view, ask) => createGuest(view, input, ask),
        );
      }
      case 'power': {
        const { guest, power } = deed;
        return this.#onGuest(`set power to ${power}`, guest, { power }, (view, ask) => setPower(view, power, ask));
      }
      case 'edit': {
        const { guest, input } = deed;
        return this.#onGuest(`edit ${JSON.stringify(input)}`, guest, input, (view, ask) => editGuest(view, input, ask), input.name);
      }
      case 'delete': {
        const { guest, force } = deed;
        return this.#onGuest('delete', guest, { force }, (view, ask) => removeGuest(view, { force }, ask));
      }
      case 'reboot': {
        const { guest, force } = deed;
        return this.#onGuest('reboot', guest, { force }, (view, ask) => beginReboot(view, { force }, ask));
      }
      case 'exec': {
        const { guest, ticket } = deed;
        const command = ['echo', ticket];
        return this.#onGuest('exec', guest, { ticket }, (view, ask) => beginExec(view, { command, tty: false, ticket }, ask));
      }
      case 'console': {
        const { guest, ticket } = deed;
        return this.#onGuest('console', guest, { ticket }, (view, ask) => beginConsole(view, { ticket }, ask));
      }
    }
  }

  #runningGuest(): string | null {
    const running = this.ports.stage.hosts.flatMap(({ machine }) => [...machine.running.keys()]);
    return running.length === 0 ? null : String(this.#chance.pick(running));
  }

  #cancelTask(): Request | null {
    const id = this.#tasks.at(-1 - this.#chance.between(0, 3));
    return id === undefined ? null : this.#cancel(id, this.#chance);
  }

  #cancel(id: string, chance: Chance): Request {
    this.#chance = chance;
    return this.#request(`cancel ${id}`, {}, (store) => store.views.onTask(id), cancelTask);
  }

  #createImage(): Request {
    const chance = this.#chance;
    const input = { name: chance.pick(['debian-13', 'debian-12']), form: chance.pick(['container', 'vm'] as const) };
    return this.#request(
      `create image ${input.name}`,
      input,
      (store) => store.views.createImage({}),
      (view, ask) => createImage(view, input, ask),
    );
  }

  #removeImage(): Request | null {
    const images = [...this.ports.stage.ledger.entries.values()].filter(({ wish }) => wish.kind === 'image');
    if (images.length === 0) return null;
    const { id } = this.#chance.pick(images).wish;
    return this.#request(`delete image ${id}`, {}, (store) => store.views.onImage(id), removeImage);
  }

  #onGuest(
    what: string,
    guest: string,
    body: unknown,
    decide: (view: Awaited<ReturnType<Desk['store']['views']['onGuest']>>, ask: Ask) => Decision<Accepted>,
    newName?: string,
  ): Request {
    const ifMatch = this.#asOf ?? (this.#chance.happens(0.4) ? this.#tab.get(guest) : undefined);
    return this.#request(
      `${what} guest ${guest}${ifMatch === undefined ? '' : ` as of ${ifMatch}`}`,
      [guest, body],
      (store) => store.views.onGuest(guest, newName),
      decide,
      ifMatch,
    );
  }

  #request<V>(
    what: string,
    body: unknown,
    load: (store: Desk['store']) => Promise<V>,
    decide: (view: V, ask: Ask) => Decision<Accepted>,
    ifMatch?: number,
  ): Request {
    const { manners } = this.ports;
    const { ledger } = this.ports.stage;
    const chance = this.#chance;
    const key: IdempotencyKey | undefined = chance.happens(0.6)
      ? { key: chance.text(12), userId: this.#userId, method: 'POST', path: what, bodyDigest: digest(body) }
      : undefined;
    return {
      what,
      mayBeRegretted: what.startsWith('create'),
      key,
      ifMatch,
      decided: [],
      history: ledger.history,
      chance,
      send: async (desk, decided) => {
        const ask: Ask = {
          by: this.name,
          nowMs: desk.life.clock.now(),
          taskId: newId('task', chance),
          imageId: newId('image', chance),
          ifMatch: manners.heedsIfMatch ? ifMatch : undefined,
        };
        const { answer, repeated } = await desk.perform(
          () => load(desk.store),
          (view) => {
            const decision = decide(view, ask);
            decided(decision.change);
            return decision;
          },
          key,
        );
        if (repeated) decided({ by: this.name, atMs: ask.nowMs });
        return answer;
      },
    };
  }

  #look(): void {
    for (const { wish } of this.ports.stage.ledger.entries.values()) if (wish.kind === 'guest') this.#tab.set(wish.id, wish.generation);
  }

  /** What the person sees or remembers: also guests that are gone by now. */
  #guests(): string[] {
    const now = [...this.ports.stage.ledger.entries.values()].flatMap(({ wish }) => (wish.kind === 'guest' ? [wish.id] : []));
    return this.#chance.happens(0.1) ? [...new Set([...now, ...this.#tab.keys()])] : now;
  }
}
