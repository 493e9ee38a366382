import type { Wish } from '@drover/shared/model/spec';
import type { Report } from '@drover/shared/protocol/message';
import { definitionDigest } from '../../../agent/src/core/definition.ts';
import { type Plan, perform } from '../../../agent/src/core/plan.ts';
import type { GuestWorld } from '../../../agent/src/core/plan-guest.ts';
import { PLANNERS } from '../../../agent/src/core/planners.ts';
import type { Drivers } from '../../../agent/src/drivers/drivers.ts';
import type { GuestDriver } from '../../../agent/src/drivers/guest/driver.ts';
import type { Link } from '../../../agent/src/link.ts';
import type { Queues } from '../../../agent/src/queues.ts';
import type { AgentParts, SimulatedHost } from '../simulated-host.ts';
import type { Mutant } from './mutant.ts';

const planGuest = PLANNERS.guest;

function blindToAbsence(wish: Wish<'guest'>, world: GuestWorld, nowMs: number): Plan {
  return planGuest(wish, { ...world, readyStorages: new Set(wish.spec.disks.map((disk) => disk.storageId)) }, nowMs);
}

function restless(wish: Wish<'guest'>, world: GuestWorld, nowMs: number): Plan {
  const plan = planGuest(wish, world, nowMs);
  const isOff = wish.spec.power === 'running' && world.guest?.running === false;
  return plan.do === 'settled' && isOff ? perform({ do: 'guest.start' }) : plan;
}

function hasty(wish: Wish<'guest'>, world: GuestWorld, nowMs: number): Plan {
  return planGuest(wish, wish.deletion && world.guest ? { ...world, guest: { ...world.guest, running: false } } : world, nowMs);
}

/** After a boot of the host guests wait until the control plane speaks, for as long as that takes. */
function dependent(): Partial<AgentParts> {
  let isWaiting = false;
  let isHeard = false;
  return {
    planners: {
      ...PLANNERS,
      guest(wish, world, nowMs) {
        isWaiting ||= world.heldUntilMs > nowMs;
        return planGuest(wish, isWaiting && !isHeard ? { ...world, heldUntilMs: Number.POSITIVE_INFINITY } : world, nowMs);
      },
    },
    link(link) {
      isWaiting = false;
      isHeard = false;
      const open: Link['open'] = (handlers) =>
        link.open({
          ...handlers,
          reply(reply) {
            isHeard = true;
            handlers.reply(reply);
          },
        });
      return { ...link, open };
    },
  };
}

/** Takes what is defined for what is wished, since the guest is the same. */
function contented(wish: Wish<'guest'>, world: GuestWorld, nowMs: number): Plan {
  const applied = world.guest?.applied && { ...world.guest.applied, digest: definitionDigest(wish.spec) };
  return planGuest(wish, world.guest && applied ? { ...world, guest: { ...world.guest, applied } } : world, nowMs);
}

/** Believes that what it has started runs, whatever can be seen. */
function believing(drivers: Drivers): Drivers {
  const started = new Set<number>();
  const blind = (driver: GuestDriver): GuestDriver => ({
    ...driver,
    async observe(id, folder) {
      const seen = await driver.observe(id, folder);
      return seen && { ...seen, running: seen.running || started.has(id) };
    },
    async start(definition, signal) {
      await driver.start(definition, signal);
      started.add(definition.id);
    },
    async stop(id, folder, signal) {
      await driver.stop(id, folder, signal);
      started.delete(id);
    },
  });
  return { ...drivers, guests: { vm: blind(drivers.guests.vm), container: blind(drivers.guests.container) } };
}

const noQueues: Queues = { run: (_key, _name, act) => void act(), exclusively: (_key, act) => act() };

/** Removes what exists and what no wish speaks of. */
function tidying(drivers: Drivers, host: SimulatedHost): Drivers {
  const tidy = (driver: GuestDriver): GuestDriver => ({
    ...driver,
    async list(folders) {
      const ids = await driver.list(folders);
      for (const guestId of ids) {
        if (host.journal?.get({ kind: 'guest', id: String(guestId) })) continue;
        for (const storage of host.machine.storages.values()) {
          const disks = [...(storage.folders.get(guestId)?.disks.keys() ?? [])];
          storage.folders.delete(guestId);
          if (disks.length > 0) host.machine.tell({ do: 'folder-removed', guestId, disks });
        }
      }
      return ids;
    },
  });
  return { ...drivers, guests: { vm: tidy(drivers.guests.vm), container: tidy(drivers.guests.container) } };
}

/** Takes any reply for one to the newest report. */
function flattered(link: Link): Link {
  let newest: Report | null = null;
  return {
    ...link,
    open: (handlers) =>
      link.open({
        ...handlers,
        reply: (reply) => handlers.reply(newest ? { ...reply, boot: newest.boot, sequence: newest.sequence } : reply),
      }),
    send(message) {
      if (message.do === 'report') newest = message.report;
      link.send(message);
    },
  };
}

/** Says nothing twice on one connection, whether it was heard or not. */
function mumbling(link: Link): Link {
  const said = new Set<string>();
  return {
    ...link,
    send(message) {
      if (message.do !== 'report') return link.send(message);
      const { report } = message;
      const isNew = (status: unknown) => !said.has(`${report.session} ${JSON.stringify(status)}`);
      const statuses = report.statuses.filter(isNew);
      for (const status of statuses) said.add(`${report.session} ${JSON.stringify(status)}`);
      link.send({ do: 'report', report: { ...report, statuses } });
    },
  };
}

/** Asks for the removal of an image without looking who stands on it. */
export const UNSCRUPULOUS: Mutant = {
  name: 'an image goes before the guests that stand on it',
  rule: '9: removals in order',
  from: 126,
  agent: () => ({ planners: { ...PLANNERS, image: (wish, observed) => PLANNERS.image(wish, { ...observed, usedBy: null }) } }),
  network: { loss: 0.25, lateness: 0.5, lateMsMax: 8_000 },
};

/** Says nothing of what it does not understand. */
const speechless = (link: Link): Link => ({ ...link, open: (handlers) => link.open({ ...handlers, refused() {} }) });

export const AGENT_MUTANTS: readonly Mutant[] = [
  {
    name: 'what nobody wished for is removed',
    rule: '6: never act on absence',
    scenario: 'control-plane-away-for-a-day',
    agent: () => ({ drivers: tidying }),
  },
  {
    name: 'a disk that cannot be seen is taken for gone',
    rule: '6: never act on absence',
    scenario: 'storage-away',
    agent: () => ({ planners: { ...PLANNERS, guest: blindToAbsence } }),
  },
  {
    name: 'a guest that powered itself off is started again',
    rule: 'I4: a start has effect once',
    scenario: 'control-plane-away-for-a-day',
    agent: () => ({ planners: { ...PLANNERS, guest: restless } }),
  },
  {
    name: 'what was started is taken for running',
    rule: '7: the truth is on the host',
    scenario: 'clocks-set-back',
    agent: () => ({ drivers: believing }),
  },
  {
    name: 'what is defined is taken for what is wished',
    rule: '8: digests are compared',
    scenario: 'clocks-set-back',
    agent: () => ({ planners: { ...PLANNERS, guest: contented } }),
  },
  {
    name: 'what fails is tried again at once, for ever',
    rule: '10: failures wait, and are given up',
    scenario: 'one-guest-always-fails',
    agent: () => ({ planners: { ...PLANNERS, retry: () => ({ givenUp: false, delayMs: 100 }) } }),
  },
  {
    name: 'after a boot guests wait for the control plane for ever',
    rule: '14: guests need nobody',
    scenario: 'control-plane-away-for-a-day',
    agent: dependent,
  },
  {
    name: 'a guest is removed while it runs',
    rule: '9: removals in order',
    scenario: 'killed-in-the-middle',
    agent: () => ({ planners: { ...PLANNERS, guest: hasty } }),
  },
  {
    name: 'there is no queue per resource',
    rule: '10: one queue per resource',
    from: 2,
    agent: () => ({ queues: () => noQueues }),
  },
  {
    name: 'any reply acknowledges the newest report',
    rule: '5: a reply acknowledges its own report',
    from: 7,
    agent: () => ({ link: flattered }),
    network: { loss: 0.25, duplication: 0.4, lateness: 0.4, lateMsMax: 5_000 },
  },
  {
    name: 'a second agent does not mind the first',
    rule: '15: one agent per host',
    scenario: 'a-second-agent',
    agent: () => ({ lock: () => true }),
  },
  {
    name: 'a command that is not understood is passed over',
    rule: '17: what is not understood is refused',
    scenario: 'releases-apart',
    agent: () => ({ link: speechless }),
  },
  {
    name: 'a lost report is not said again',
    rule: '5: a lost report is repaired by the next',
    scenario: 'messages-lost',
    agent: () => ({ link: mumbling }),
  },
];
