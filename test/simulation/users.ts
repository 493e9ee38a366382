import { CreateGuest, EditGuest } from '@drover/shared/api/requests';
import { digest } from '@drover/shared/lib/digest';
import { Problem } from '@drover/shared/lib/problem';
import { MiB } from '@drover/shared/model/guest';
import { newId, UserId } from '@drover/shared/model/id';
import type { Accepted, Ask, Change, Decision, IdempotencyKey } from '../../control-plane/src/core/change.ts';
import { createImage, removeImage } from '../../control-plane/src/core/fabric.ts';
import { createGuest, editGuest, removeGuest, setPower } from '../../control-plane/src/core/guests.ts';
import { beginConsole, beginExec, beginReboot, cancelTask } from '../../control-plane/src/core/tasks.ts';
import type { Chance } from './chance.ts';
import type { Desk } from './control-plane.ts';
import type { Judge } from './judge.ts';
import type { Ledger } from './ledger.ts';
import type { Timeline } from './timeline.ts';

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

export interface PersonPorts {
  readonly timeline: Timeline;
  readonly chance: Chance;
  readonly ledger: Ledger;
  readonly judge: Judge;
  readonly manners: Manners;
  /** What people would see running. */
  readonly running: () => readonly number[];
  /** A control plane that answers, or none. */
  readonly desk: () => Desk | null;
  readonly log: (line: string) => void;
}

const NAMES = ['web', 'db', 'mail', 'cache', 'queue', 'build'];
const GUESTS_MAX = 10;
const ANSWER_MS = 10_000;

/** A person with a browser tab that may be old: does everything that can be done, at random, and again when no answer came. */
export class Person {
  readonly #userId: UserId;
  /** What the tab shows: the generation of each guest when it was last looked at. */
  readonly #tab = new Map<string, number>();
  readonly #tasks: string[] = [];
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

  /** Wishes once more for what was asked for, as people do who see that something has been given up. */
  touch(guestId: string): void {
    this.#send(
      this.#onGuest('touch', guestId, {}, (view, ask) => editGuest(view, { notes: this.#chance.text(8) }, ask)),
      3,
    );
  }

  #send(request: Request, triesLeft: number): void {
    const { timeline, ledger, judge, log } = this.ports;
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
    const answered = ({ ref, taskId }: Accepted, change: Change | null) => {
      if (isAnswerLost) return;
      cancel();
      if (!isOver) this.requests.answered += 1;
      this.#tasks.push(taskId);
      log(`${this.name}: ${request.what} → ${ref.kind} ${ref.id}, ${taskId}`);
      const written = request.decided.filter((each) => ledger.wrote(each.newTasks)).length;
      judge.check(written <= 1 || ledger.history !== request.history, `"${request.what}" was carried out ${written} times under one key`);
      const [first] = change?.wishes ?? [];
      const isOnTab = request.ifMatch === undefined || first?.kind !== 'guest' || first.generation === request.ifMatch + 1;
      judge.check(isOnTab, `"${request.what}" was carried out on generation ${(first?.generation ?? 0) - 1}`);
      if (request.mayBeRegretted && chance.happens(0.15))
        timeline.after(chance.between(100, 9_000), () => this.#send(this.#cancel(taskId, chance), 1));
      // Nothing is acknowledged that was not written.
      for (const part of [change?.wishes, change?.newTasks])
        if (part && part.length > 0) judge.check(ledger.wrote(part), `"${request.what}" was acknowledged but never written`);
    };
    request.send(desk, decided).then(
      (answer) => answered(answer, last),
      (thrown: unknown) => {
        cancel();
        if (!isOver) this.requests.refused += 1;
        const problem = Problem.from(thrown);
        log(`${this.name}: ${request.what} → refused: ${problem.message}`);
        judge.check(thrown instanceof Problem && problem.code !== 'internal', `"${request.what}" failed by a bug: ${String(thrown)}`);
        const { wishes, newTasks } = last ?? {};
        for (const part of [wishes, newTasks]) judge.check(!ledger.wrote(part), `"${request.what}" was refused but written`);
      },
    );
  }

  #thinkOfSomething(): Request | null {
    const chance = this.#chance;
    const guests = this.#guests();
    if (guests.length < 2 || (guests.length < GUESTS_MAX && chance.happens(0.15))) return this.#createGuest();
    const guest = chance.pick(guests);
    const drawn = chance.fraction();
    if (drawn >= 0.64 && drawn < 0.85) return this.#actOn(this.#runningGuest() ?? guest);
    if (drawn < 0.42) {
      const power = chance.pick(['running', 'running', 'shutdown', 'off'] as const);
      return this.#onGuest(`set power to ${power}`, guest, { power }, (view, ask) => setPower(view, power, ask));
    }
    if (drawn < 0.56) return this.#editGuest(guest);
    if (drawn < 0.64) {
      const force = chance.happens(0.6);
      return this.#onGuest('delete', guest, { force }, (view, ask) => removeGuest(view, { force }, ask));
    }
    if (drawn < 0.92) return this.#cancelTask();
    if (drawn < 0.97) return this.#createImage();
    return this.#removeImage();
  }

  /** Things that are done once. */
  #actOn(guest: string): Request {
    const chance = this.#chance;
    const ticket = chance.text(40);
    switch (chance.pick(['reboot', 'exec', 'exec', 'console'] as const)) {
      case 'reboot': {
        const force = chance.happens(0.3);
        return this.#onGuest('reboot', guest, { force }, (view, ask) => beginReboot(view, { force }, ask));
      }
      case 'exec': {
        const command = ['echo', ticket];
        return this.#onGuest('exec', guest, { ticket }, (view, ask) => beginExec(view, { command, tty: false, ticket }, ask));
      }
      case 'console':
        return this.#onGuest('console', guest, { ticket }, (view, ask) => beginConsole(view, { ticket }, ask));
    }
  }

  #runningGuest(): string | null {
    const running = this.ports.running();
    return running.length === 0 ? null : String(this.#chance.pick(running));
  }

  #createGuest(): Request {
    const chance = this.#chance;
    const type = chance.pick(['container', 'vm'] as const);
    const input = CreateGuest.parse({
      type,
      name: `${chance.pick(NAMES)}-${chance.between(1, 9)}`,
      image: chance.pick(['debian-13', 'debian-12']),
      memoryBytes: chance.between(64, 512) * MiB,
      diskBytes: 1024 * MiB,
      start: chance.happens(0.7),
      startAtBoot: chance.happens(0.5),
    });
    return this.#request(
      `create ${type} ${input.name}`,
      input,
      (store) => store.views.createGuest(input),
      (view, ask) => createGuest(view, input, ask),
    );
  }

  #editGuest(guest: string): Request {
    const chance = this.#chance;
    const input = EditGuest.parse(
      chance.pick([
        { notes: chance.text(6) },
        { memoryBytes: chance.between(64, 512) * MiB },
        { cores: chance.between(1, 4) },
        { name: `${chance.pick(NAMES)}-${chance.between(1, 9)}` },
        { startAtBoot: chance.happens(0.5) },
      ]),
    );
    return this.#onGuest(`edit ${JSON.stringify(input)}`, guest, input, (view, ask) => editGuest(view, input, ask), input.name);
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
    const images = [...this.ports.ledger.entries.values()].filter(({ wish }) => wish.kind === 'image');
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
    const ifMatch = this.#chance.happens(0.4) ? this.#tab.get(guest) : undefined;
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
    const { timeline, manners, ledger } = this.ports;
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
          nowMs: timeline.nowMs,
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
    for (const { wish } of this.ports.ledger.entries.values()) if (wish.kind === 'guest') this.#tab.set(wish.id, wish.generation);
  }

  /** What the person sees or remembers: also guests that are gone by now. */
  #guests(): string[] {
    const now = [...this.ports.ledger.entries.values()].flatMap(({ wish }) => (wish.kind === 'guest' ? [wish.id] : []));
    return this.#chance.happens(0.1) ? [...new Set([...now, ...this.#tab.keys()])] : now;
  }
}
