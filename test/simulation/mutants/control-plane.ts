import { Command, Report } from '@drover/shared/protocol/message';
import { DEFAULT_CELL, parseTopic } from '@drover/shared/protocol/topic';
import type { Broker } from '../../../control-plane/src/broker/broker.ts';
import type { Cells } from '../../../control-plane/src/broker/cells.ts';
import type { Change } from '../../../control-plane/src/core/change.ts';
import type { Store } from '../../../control-plane/src/db/store.ts';
import { openSeal } from '../signer.ts';
import type { Mutant } from './mutant.ts';

const committing = (store: Store, alter: (change: Change) => Change): Store => ({
  ...store,
  commit: (change) => store.commit(alter(change)),
});
const withoutAfter = (change: Change): Change =>
  change.hosts ? { ...change, hosts: change.hosts.map(({ after: _after, ...update }) => update) } : change;

/** Each report seems to be the first. */
function unorderedReports(store: Store): Store {
  return {
    ...committing(store, withoutAfter),
    views: {
      ...store.views,
      async onReport(hostId, refs) {
        const view = await store.views.onReport(hostId, refs);
        return view && { ...view, host: { ...view.host, boot: 0, sequence: 0 } };
      },
    },
  };
}

const commandOf = (topic: string, payload: string | Uint8Array): Command | null =>
  parseTopic(topic)?.leaf === 'down/command' ? Command.parse(openSeal(String(payload))) : null;

/** What was handed to the broker counts as written down by the host. */
function credulous(broker: Broker, store: Store): Broker {
  return {
    ...broker,
    async publish(topic, payload, qos) {
      await broker.publish(topic, payload, qos);
      const command = commandOf(topic, payload);
      if (!command) return;
      const { kind, id, generation } = command.resource;
      const view = await store.views.onReport(command.host, [{ kind, id }]);
      const held = view?.resources.find((each) => each.kind === kind && each.id === id);
      if (!held) return;
      const { appliedGeneration, status } = held;
      await store.commit({ by: 'broker', atMs: 0, observations: [{ kind, id, ackedGeneration: generation, appliedGeneration, status }] });
    },
  };
}

function sentOnce(): (broker: Broker) => Broker {
  const sent = new Set<string>();
  return (broker) => ({
    ...broker,
    async publish(topic, payload, qos) {
      const command = commandOf(topic, payload);
      const name = command ? `${command.resource.kind}/${command.resource.id}/${command.resource.generation}` : null;
      if (name === null || !sent.has(name)) await broker.publish(topic, payload, qos);
      if (name !== null) sent.add(name);
    },
  });
}

/** Hears a host's first hello and no other. */
function deafToHello(): (broker: Broker) => Broker {
  const heard = new Set<string>();
  return (broker) => ({
    ...broker,
    onMessage: (listener) =>
      broker.onMessage((topic, payload) => {
        const report = parseTopic(topic)?.leaf === 'up/report' ? Report.parse(JSON.parse(new TextDecoder().decode(payload))) : null;
        if (!report?.hello) return listener(topic, payload);
        const { hello: _hello, ...rest } = report;
        listener(topic, heard.has(report.host) ? new TextEncoder().encode(JSON.stringify(rest)) : payload);
        heard.add(report.host);
      }),
  });
}

/** Takes a report only if it knows every word of it. */
const pedantic = (broker: Broker): Broker => ({
  ...broker,
  onMessage: (listener) =>
    broker.onMessage((topic, payload) => {
      const isReport = parseTopic(topic)?.leaf === 'up/report';
      if (!isReport || StrictReport.safeParse(JSON.parse(new TextDecoder().decode(payload))).success) listener(topic, payload);
    }),
});
const StrictReport = Report.strict();

/** Takes note of what a host says, and never wishes anew because of it. */
const unhealing = (store: Store): Store =>
  committing(store, (change) =>
    change.hosts && change.wishes
      ? { ...change, wishes: change.wishes.filter(({ kind, generation }) => generation === 1 || kind === 'task') }
      : change,
  );

/** Whoever says that it is there gets on. */
const easilyPleased = (store: Store): Store =>
  committing(store, (change) => {
    const heard = [...(change.heard ?? []), ...(change.hosts ?? [])];
    const pleased = heard.flatMap(({ id, heardAtMs }) => (heardAtMs === undefined ? [] : { id, progressAtMs: heardAtMs }));
    return { ...change, hosts: [...(change.hosts ?? []), ...pleased] };
  });

const reckless = (store: Store): Store => committing(store, ({ restsOn: _restsOn, ...change }) => withoutAfter(change));

function forgetfulOfKeys(store: Store): Store {
  return {
    ...committing(store, ({ idempotency: _idempotency, ...change }) => change),
    access: { ...store.access, idempotent: async () => null },
  };
}

/** Serves until it is told that it does not any more, however long it is told nothing. */
function clinging(cells: Cells): Cells {
  let isServing = false;
  return {
    ...cells,
    async watch() {
      await cells.watch();
      isServing = cells.holds(DEFAULT_CELL);
    },
    holds: () => isServing,
  };
}

/** Takes each lease for one that nobody has. */
const grasping = (store: Store): Store => ({
  ...store,
  cells: {
    ...store.cells,
    async lease(name) {
      const seen = await store.cells.lease(name);
      return seen && { ...seen, holder: null };
    },
  },
});

/** Whoever asks for a lease has it, be it that somebody else asked at the same moment. */
const heedless = (store: Store): Store => ({
  ...store,
  cells: {
    ...store.cells,
    async take(name, seen, holder) {
      await store.cells.take(name, seen, holder);
      return true;
    },
  },
});

export const CONTROL_PLANE_MUTANTS: readonly Mutant[] = [
  {
    name: 'the order of reports is ignored',
    rule: '5: ordered by boot and sequence',
    from: 2,
    controlPlane: () => ({ store: unorderedReports }),
  },
  {
    name: 'published counts as acknowledged',
    rule: '3: PUBACK is not an acknowledgement',
    from: 6,
    controlPlane: () => ({ broker: credulous }),
  },
  {
    name: 'a command is sent once only',
    rule: '2: the outbox is a query',
    scenario: 'clocks-set-back',
    controlPlane: () => ({ broker: sentOnce() }),
  },
  {
    name: 'only the first hello is heard',
    rule: '5: a hello shows the journal',
    scenario: 'restored-from-yesterday',
    controlPlane: () => ({ broker: deafToHello() }),
  },
  {
    name: 'a host that is ahead, or holds another content, is left so',
    rule: '4: what a host holds is made to agree',
    scenario: 'restored-from-yesterday',
    controlPlane: () => ({ store: unhealing }),
  },
  {
    name: 'a report with a word that is not known is refused',
    rule: '17: reports are read leniently',
    scenario: 'releases-apart',
    controlPlane: () => ({ broker: pedantic }),
  },
  {
    name: 'a lease that has run out is still used',
    rule: '11: one at a time',
    scenario: 'by-turns',
    controlPlane: () => ({ cells: clinging }),
  },
  {
    name: 'a lease is taken while another holds it',
    rule: '11: one at a time',
    scenario: 'by-turns',
    controlPlane: () => ({ store: grasping }),
  },
  {
    name: 'two take a lease at the same moment',
    rule: '11: a constraint, not a lock',
    scenario: 'by-turns',
    controlPlane: () => ({ store: heedless }),
  },
  {
    name: 'who is heard counts as getting on',
    rule: '13: alive is not progressing',
    scenario: 'alive-but-stuck',
    controlPlane: () => ({ store: easilyPleased }),
  },
  {
    name: 'a commit rests on nothing',
    rule: '1: a commit rests on what was loaded',
    scenario: 'two-control-planes',
    controlPlane: () => ({ store: reckless }),
  },
  {
    name: 'Idempotency-Key is ignored',
    rule: 'I3: a request has effect once',
    scenario: 'two-control-planes',
    controlPlane: () => ({ store: forgetfulOfKeys }),
  },
  {
    name: 'If-Match is ignored',
    rule: 'I3: a refused write has no effect',
    scenario: 'two-control-planes',
    manners: () => ({ heedsIfMatch: false }),
  },
];
