import type { Clock } from '@drover/shared/lib/clock';
import type { Random } from '@drover/shared/lib/random';
import { rateLimited } from '@drover/shared/lib/rate-limited';
import type { Hardware } from '@drover/shared/model/hardware';
import type { Inventory } from '@drover/shared/model/host';
import type { HostId } from '@drover/shared/model/id';
import type { Command } from '@drover/shared/protocol/message';
import { type Choices, NO_CHOICES } from './choices.ts';
import { isInForce } from './core/choice.ts';
import { PLANNERS, type Planners } from './core/planners.ts';
import type { Drivers } from './drivers/drivers.ts';
import { createFiguresTeller } from './figures.ts';
import { endGuests } from './going-down.ts';
import type { Gauges } from './host/figures/look.ts';
import { digestOf, type Journal } from './journal.ts';
import type { Link } from './link.ts';
import { type Answers, type AnswersPorts, createAnswers } from './local/answers.ts';
import { findOrphans } from './orphans.ts';
import { createQueues, type Queues } from './queues.ts';
import { createReconciler } from './reconcile.ts';
import { createReplays } from './replays.ts';
import { createReporter } from './reporter.ts';
import { type HostActions, NO_HOST_ACTIONS } from './tasks/host-actions.ts';
import type { RelayDialer } from './tasks/relay.ts';
import { createTaskRunner } from './tasks/runner.ts';
import { isFitToGoOn, NO_TRIAL, type Trial } from './upgrade/trial.ts';
import { createWishes, type Wishes } from './wishes.ts';

/**
 * An agent that has just started waits so long for the control plane before it does anything to guests by itself: its journal may be
 * an old copy, by which it would end what was started since, and make what was deleted. Longer after a boot of the host.
 */
const CONTACT_WAIT_MS = 10_000;
const CONTACT_WAIT_AFTER_BOOT_MS = 120_000;
/** How often a new agent looks again whether it may go on. */
const TRIAL_LOOK_MS = 2_000;
/** How often the host is searched for guests that nobody wished for, and the journal rid of what is over. */
const HOUSE_MS = 300_000;
/** The same when a storage is new here: as soon as it can be expected to be ready. */
const NEW_STORAGE_MS = 10_000;

export interface AgentPorts {
  readonly hostId: HostId;
  readonly journal: Journal;
  readonly drivers: Drivers;
  readonly link: Link;
  readonly clock: Clock;
  readonly random: Random;
  readonly inventory: () => Inventory;
  /** The long lists of what the host is made of; absent: nobody is told. */
  readonly hardware?: () => Hardware | null;
  /** Calls back when the inventory is other than before. */
  readonly watchInventory?: (changed: () => void) => () => void;
  /** Absent: no live figures are told. */
  readonly gauges?: Gauges;
  readonly dialRelay: RelayDialer;
  readonly log: (line: string) => void;
  /** Absent: nothing can be done to the host itself. */
  readonly hostActions?: HostActions;
  /** Absent: this agent has nothing to show first. */
  readonly trial?: Trial;
  /** What people chose on the host itself; where nobody can, there are none. */
  readonly choices?: Choices;
  /** How long the host has been up; absent: for ever. */
  readonly uptimeMs?: () => number;
  /** For the simulation, which switches rules off. */
  readonly planners?: Planners;
  readonly queues?: Queues;
}

export interface Agent {
  /** For people on the host itself. */
  readonly answers: Answers;
  /** Ends the agent, not the guests. */
  stop(reason: string): Promise<void>;
}

/** Wires the agent: commands into the journal, the journal into the loop, the loop into reports. */
export function startAgent(ports: AgentPorts): Agent {
  const { hostId, journal, drivers, link, clock, random, log, choices = NO_CHOICES, planners = PLANNERS, queues = createQueues() } = ports;
  const { hostActions = NO_HOST_ACTIONS, trial = NO_TRIAL } = ports;
  const wishes = createWishes(journal, drivers);
  const replays = createReplays(journal.newestCounter);
  const run = random.text(20);
  const { hardware, gauges } = ports;
  const inventory = () => ({ ...ports.inventory(), ...pausedOf(choices) });
  const reporter = createReporter({ hostId, run, newestCounter: replays.newest, journal, link, clock, inventory, hardware });
  let goingDown: Promise<void> | null = null;
  const isGoingDown = () => goingDown !== null;
  let linkState: ReturnType<AnswersPorts['link']> = { connected: false, sinceMs: clock.now(), why: null };
  let heldUntilMs = clock.now() + (journal.hostBooted ? CONTACT_WAIT_AFTER_BOOT_MS : CONTACT_WAIT_MS);
  const reconciler = createReconciler({
    journal,
    wishes,
    drivers,
    reporter,
    clock,
    random,
    planners,
    queues,
    heldUntilMs: () => heldUntilMs,
    choices,
    isGoingDown,
    uptimeMs: ports.uptimeMs ?? (() => Number.POSITIVE_INFINITY),
  });
  const answers = createAnswers({
    hostId,
    journal,
    wishes,
    drivers,
    reconciler,
    choices,
    clock,
    link: () => linkState,
    isGoingDown,
    goDown() {
      goingDown ??= endGuests({ wishes, drivers, clock, log });
      return goingDown;
    },
    pauseChanged: reporter.inventoryChanged,
  });
  const tasks = createTaskRunner({
    journal,
    reporter,
    clock,
    context: { wishes, drivers, reconciler, choices, clock, dialRelay: ports.dialRelay, hostActions },
  });
  const figures = gauges && createFiguresTeller({ gauges, wishes, drivers, reporter, clock, log });
  const complain = rateLimited(log, clock);
  const unwatch: (() => void)[] = [];
  let hasStopped = false;
  let cancelHouse: () => void = () => {};
  let cancelHold: () => void = () => {};
  let cancelSearch: () => void = () => {};

  for (const name of journal.quarantined)
    log(`the journal's file ${name} is damaged and was set aside; the control plane will send its content again`);
  wishes.onNetwork((_id, network) => {
    unwatch.push(network.watch((mac) => wakeGuestOf(mac, wishes, reconciler.wake)));
  });
  if (ports.watchInventory) unwatch.push(ports.watchInventory(() => reporter.inventoryChanged()));
  for (const driver of Object.values(drivers.guests)) {
    unwatch.push(driver.watch((id) => reconciler.wake({ kind: 'guest', id: String(id) })));
  }

  function accept(command: Command) {
    const { resource, counter } = command;
    if (replays.isReplay(counter)) {
      complain('replay', `refused a command about ${resource.kind} ${resource.id}: it was sent before one of an earlier connection`);
      return;
    }
    const acceptance = journal.accept(resource, counter);
    replays.taken(counter);
    // An old wish for what is gone: held up on its way, or of a control plane that was restored from a backup and must be told.
    if (acceptance === 'older' && journal.get(resource)?.goneAtMs === undefined) return;
    if (acceptance === 'contradicts') {
      complain(
        'contradiction',
        `refused ${resource.kind} ${resource.id}: generation ${resource.generation} came with another content (${digestOf(resource)}) than before`,
      );
    }
    if (acceptance === 'accepted' && resource.kind === 'storage') {
      cancelSearch();
      cancelSearch = clock.after(NEW_STORAGE_MS, () => void reportOrphans());
    }
    if (resource.kind !== 'task') reconciler.wake(resource);
    else if (heldUntilMs === 0) tasks.wake(resource.id);
  }

  /** A new agent does nothing before it has shown that it gets on: it has been answered, and sees the guests that the one before it saw. */
  async function judge(isAnswered: boolean) {
    cancelHold();
    try {
      if (isAnswered && trial.isOn() && (await isFitToGoOn(trial, wishes, drivers))) trial.pass();
    } catch (thrown) {
      log(`cannot see what became of the guests: ${String(thrown)}`);
    }
    if (hasStopped) return;
    cancelHold();
    if (!trial.isOn()) return heard();
    // Beyond the next look, so that no guest's own timer comes before it.
    heldUntilMs = clock.now() + 2 * TRIAL_LOOK_MS;
    cancelHold = clock.after(TRIAL_LOOK_MS, () => void judge(isAnswered));
  }

  /** The control plane knows this journal, or has been silent for long enough: nothing need wait for it any longer. */
  function heard(isAnswered = false) {
    if (heldUntilMs === 0) return;
    if (trial.isOn()) return void judge(isAnswered);
    heldUntilMs = 0;
    cancelHold();
    reconciler.wakeAll();
    tasks.wakeAll();
  }

  async function reportOrphans() {
    try {
      for (const [id, type] of await findOrphans(wishes, drivers)) {
        const observed = type === null ? {} : { type };
        reporter.say({ kind: 'guest', id: String(id), acked: 0, applied: 0, condition: 'settled', gone: false, observed }, false);
      }
    } catch (thrown) {
      log(`cannot look for what is left over: ${String(thrown)}`);
    }
  }

  async function keepHouse() {
    try {
      journal.trim(clock.now());
      choices.trim((id, choice) => {
        const wish = wishes.get('guest', id);
        return wish !== null && isInForce(choice, wish);
      });
    } catch (thrown) {
      log(`cannot forget what is over: ${String(thrown)}`);
    }
    await reportOrphans();
    if (hasStopped) return;
    cancelHouse = clock.after(HOUSE_MS, () => void keepHouse());
  }

  link.open({
    up(session) {
      linkState = { connected: true, sinceMs: clock.now(), why: null };
      replays.connected();
      reporter.connected(session);
      figures?.connected();
    },
    down() {
      if (linkState.connected) linkState = { connected: false, sinceMs: clock.now(), why: null };
      reporter.disconnected();
      figures?.disconnected();
    },
    trouble(why) {
      if (!linkState.connected) linkState = { ...linkState, why };
    },
    command: accept,
    refused(refusal) {
      complain(
        'unsupported',
        `refused a command about ${JSON.stringify(refusal.kind)} ${refusal.id}: ${refusal.problem.detail.slice(0, 300)}`,
      );
      reporter.refuse(refusal);
    },
    reply(reply) {
      const { boot } = journal;
      const isAnswer = reporter.replied(reply);
      if (journal.boot !== boot) {
        log('the journal counts from too low, as an older copy does: the control plane sends its wishes again');
        reconciler.forget();
      } else if (isAnswer) heard(true);
    },
  });
  reconciler.wakeAll();
  // Not by looking at the clock, which NTP sets about then.
  if (trial.isOn()) void judge(false);
  else cancelHold = clock.after(heldUntilMs - clock.now(), () => heard());
  void keepHouse();

  return {
    answers,
    async stop(reason) {
      hasStopped = true;
      cancelHouse();
      cancelHold();
      cancelSearch();
      figures?.disconnected();
      for (const stop of unwatch) stop();
      tasks.stop();
      reconciler.stop();
      for (const driver of Object.values(drivers.guests)) driver.leave();
      reporter.stop(reason);
      await link.close();
    },
  };
}

function pausedOf(choices: Choices): Pick<Inventory, 'paused'> {
  const paused = choices.paused();
  return paused === null ? {} : { paused };
}

function wakeGuestOf(mac: string, wishes: Wishes, wake: (ref: { kind: 'guest'; id: string }) => void): void {
  for (const guest of wishes.all('guest')) {
    if (guest.spec.nics.some((nic) => nic.mac === mac)) wake({ kind: 'guest', id: guest.id });
  }
}
