import type { Privilege } from '@drover/shared/access/privilege';
import { CreateGuest, EditGuest, ExecGuest, PowerGuests } from '@drover/shared/api/requests';
import { GuestView, PoweredGuests, StreamView } from '@drover/shared/api/views';
import { Problem } from '@drover/shared/lib/problem';
import type { Power } from '@drover/shared/model/guest';
import type { TaskId } from '@drover/shared/model/id';
import { RELAY_PATH } from '@drover/shared/protocol/agent-api';
import { z } from 'zod';
import type { Accepted, Ask, Decision } from '../../core/change.ts';
import { createGuest, editGuest, removeGuest, setPower } from '../../core/guests.ts';
import { setPowers } from '../../core/guests-together.ts';
import { refuseTags } from '../../core/permitted.ts';
import type { Rights } from '../../core/rights-of.ts';
import { beginConsole, beginExec, beginReboot } from '../../core/tasks.ts';
import { thingOf } from '../../core/things.ts';
import type { GuestDecisionView } from '../../core/views.ts';
import type { Performed } from '../../loop/perform.ts';
import { type Acting, actor } from '../act.ts';
import { askOf } from '../ask.ts';
import { AcceptedGuest, AcceptedGuestDeletion, GuestPage, Nothing, RebootGuest } from '../components.ts';
import type { AppDeps } from '../deps.ts';
import { notThere } from '../gate.ts';
import { onGuest, somewhere } from '../need.ts';
import { socketOriginOf } from '../origin.ts';
import { roomFor } from '../room.ts';
import { type Call, type Route, route } from '../route.ts';
import { taskViewById } from '../task-answer.ts';
import { guestView, pageOf, taskView } from '../views.ts';
import { Flag, ListGuests, Ref } from './params.ts';

const GUEST = '/api/v1/guests/{guest}';
const params = z.object({ guest: Ref });
const Force = z.strictObject({ force: Flag });

/** What each field takes; a tag that carries rights takes more (below). */
const EDITS = {
  ...{ name: 'VM.Config.Options', tags: 'VM.Config.Options', notes: 'VM.Config.Options', startAtBoot: 'VM.Config.Options' },
  ...{ startOrder: 'VM.Config.Options', startDelayS: 'VM.Config.Options', shutdownTimeoutS: 'VM.Config.Options' },
  ...{ memoryBytes: 'VM.Config.Memory', swapBytes: 'VM.Config.Memory' },
  ...{ cores: 'VM.Config.CPU', processesMax: 'VM.Config.CPU' },
} as const satisfies { readonly [F in keyof Required<EditGuest>]: Privilege };

type GuestCall = Acting & Pick<Call, 'ifMatch'> & { readonly params: { readonly guest: string } };

export function guestRoutes(deps: AppDeps): Route[] {
  const { store, clock, relay } = deps;
  const act = actor(deps);
  const viewOf = async (ref: string): Promise<GuestView | null> => {
    const record = await store.guest(ref);
    return record && guestView(record, clock.now());
  };

  async function change(call: GuestCall, decide: (view: GuestDecisionView, ask: Ask) => Decision<Accepted>, newName?: string) {
    const ask = askOf(call, deps);
    const load = () => store.views.onGuest(call.params.guest, newName);
    return act(call, load, (view) => decide(view, ask), newName === undefined ? call.params.guest : undefined);
  }

  /** To whom may not see a guest, it is not there; who sees it and may not do this reads so. */
  async function among(views: readonly (GuestDecisionView | null)[], rights: Rights) {
    const isWhole = rights.within('VM.Audit', '/vms') === null && rights.within('VM.PowerMgmt', '/vms') === null;
    return Promise.all(
      views.map(async (view) => {
        const [found] = view && !isWhole ? await store.rights.find('guest', view.guest.id) : [];
        if (!view || isWhole) return { view, isRefused: false };
        const isSeen = found !== undefined && rights.sees('guest', found.id, found.where);
        if (!isSeen) return { view: null, isRefused: false };
        return { view, isRefused: !rights.may('VM.PowerMgmt', thingOf('guest', found.id, found.where)) };
      }),
    );
  }

  const answerTo = ({ answer: { ref, taskId } }: Performed<Accepted>) => guestAndTask(ref.id, taskId);

  async function guestAndTask(guest: string, taskId: TaskId) {
    const [resource, task] = await Promise.all([viewOf(guest), taskViewById(store, taskId)]);
    if (!resource) throw new Problem('gone', `guest ${guest} has been deleted since`);
    return { body: { resource, task }, generation: resource.generation };
  }

  const power = (verb: string, wish: Power, summary: string): Route =>
    route({
      method: 'POST',
      path: `${GUEST}/${verb}`,
      right: onGuest('VM.PowerMgmt'),
      tag: 'guests',
      summary,
      params,
      body: Nothing,
      status: 202,
      conditional: true,
      response: AcceptedGuest,
      handler: async (call) => answerTo(await change(call, (view, ask) => setPower(view, wish, ask))),
    });

  const powerOfMany = (verb: string, wish: Power, summary: string): Route =>
    route({
      method: 'POST',
      path: `/api/v1/guests/${verb}`,
      right: somewhere('VM.PowerMgmt'),
      tag: 'guests',
      summary,
      description: 'All at once: what is possible is wished for in one go, and each guest for which it is not says why.',
      body: PowerGuests,
      status: 202,
      response: PoweredGuests,
      async handler(call) {
        const refs = call.body.guests;
        // A task id for each.
        const asks = refs.map((asked) => ({ asked, ask: askOf(call, deps) }));
        const load = async () => among(await store.views.onGuests(refs), call.caller.rights);
        const decide = (views: Awaited<ReturnType<typeof load>>) =>
          setPowers(
            asks.map((each, index) => ({ ...each, ...(views[index] ?? { view: null, isRefused: false }) })),
            wish,
            { by: call.caller.user.name, nowMs: clock.now() },
          );
        const { answer } = await act(call, load, decide);
        const records = await store.tasksAmong(answer.flatMap(({ accepted }) => accepted?.taskId ?? []));
        const taskOf = (id: TaskId | undefined) => {
          const record = id && records.get(id);
          return record ? taskView(record) : null;
        };
        return { body: { items: answer.map(({ asked, accepted, problem }) => ({ asked, task: taskOf(accepted?.taskId), problem })) } };
      },
    });

  /** The host dials the relay with the ticket that the task brings it, the caller with the one in the answer. */
  async function stream(
    call: GuestCall & { readonly request: Request },
    begin: (view: GuestDecisionView, ticket: string, ask: Ask) => Decision<Accepted>,
  ) {
    const { ticket, expiresAtMs } = relay.issue();
    try {
      const { answer, repeated } = await change(call, (view, ask) => begin(view, ticket, ask));
      const { taskId } = answer;
      // Its ticket was shown to the first caller, and is kept nowhere.
      if (repeated)
        throw new Problem('gone', 'this was begun before; its one-time address has been given out', {
          suggestion: 'use a new Idempotency-Key',
        });
      if (!relay.bind(ticket, taskId, call.caller.token.id)) throw new Problem('timeout', 'this took too long', { retryable: true });
      const url = `${socketOriginOf(call.request)}${RELAY_PATH}${ticket}?side=person`;
      return { body: { task: await taskViewById(store, taskId), url, expiresAtMs } };
    } catch (thrown) {
      relay.withdraw(ticket);
      throw thrown;
    }
  }

  return [
    route({
      method: 'GET',
      path: '/api/v1/guests',
      right: somewhere('VM.Audit'),
      tag: 'guests',
      summary: 'List guests by id',
      description: '`search` takes words that must all occur in the name, id, a tag or an address.',
      query: ListGuests,
      response: GuestPage,
      async handler({ query, caller }) {
        const page = await store.guests(query, caller.rights.within('VM.Audit', '/vms'));
        const nowMs = clock.now();
        return { body: pageOf(page, (record) => guestView(record, nowMs)) };
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/guests',
      right: somewhere('VM.Allocate'),
      tag: 'guests',
      summary: 'Create a guest',
      description:
        'An image of the catalogue that its host does not have yet is made or fetched first, as part of the same task. Without `host` it goes to one that is connected; a host that is named may be away, and makes the guest when it is back.',
      body: CreateGuest,
      status: 202,
      response: AcceptedGuest,
      async handler(call) {
        const ask = askOf(call, deps);
        const { name, host, pool } = call.body;
        const { rights } = call.caller;
        if (pool !== undefined && !rights.may('Pool.Audit', thingOf('pool', pool))) throw notThere('pool', pool);
        const room = { host, rights, what: 'guest' } as const;
        const load = () => roomFor(store, room, () => store.views.createGuest({ name, host, pool }));
        const performed = await act(call, load, (view) => createGuest(view, call.body, ask));
        return { ...(await answerTo(performed)), headers: { location: `/api/v1/guests/${performed.answer.ref.id}` } };
      },
    }),
    route({
      method: 'GET',
      path: GUEST,
      right: onGuest('VM.Audit'),
      tag: 'guests',
      summary: 'One guest',
      params,
      response: GuestView,
      async handler({ params: { guest } }) {
        const view = await viewOf(guest);
        if (view) return { body: view, generation: view.generation };
        // Says what there is that is like it, or that it was deleted.
        await store.views.onGuest(guest);
        throw new Problem('conflict', `guest ${guest} was made at this very moment`, { retryable: true });
      },
    }),
    route({
      method: 'PATCH',
      path: GUEST,
      right: onGuest(EDITS),
      tag: 'guests',
      summary: 'Edit a guest',
      params,
      body: EditGuest,
      status: 202,
      conditional: true,
      response: AcceptedGuest,
      async handler(call) {
        const { tags, name } = call.body;
        const edit = (view: GuestDecisionView, ask: Ask) => {
          if (tags) refuseTags(view.guest.spec.tags, tags, call.caller.rights);
          return editGuest(view, call.body, ask);
        };
        return answerTo(await change(call, edit, name));
      },
    }),
    route({
      method: 'DELETE',
      path: GUEST,
      right: onGuest('VM.Allocate'),
      tag: 'guests',
      summary: 'Delete a guest and its disks',
      params,
      query: Force,
      status: 202,
      conditional: true,
      response: AcceptedGuestDeletion,
      async handler(call) {
        const { answer } = await change(call, (view, ask) => removeGuest(view, { force: call.query.force }, ask));
        const { ref, taskId } = answer;
        return { body: { resource: await viewOf(ref.id), task: await taskViewById(store, taskId) } };
      },
    }),
    powerOfMany('start', 'running', 'Start many'),
    powerOfMany('shutdown', 'shutdown', 'Ask many to end by themselves'),
    powerOfMany('stop', 'off', 'End many at once'),
    power('start', 'running', 'Start, and keep running'),
    power('shutdown', 'shutdown', 'Ask the guest to end by itself'),
    power('stop', 'off', 'End the guest at once, as if its plug were pulled'),
    route({
      method: 'POST',
      path: `${GUEST}/reboot`,
      right: onGuest('VM.PowerMgmt'),
      tag: 'guests',
      summary: 'Reboot; with force, without asking the guest',
      params,
      query: Force,
      body: RebootGuest,
      status: 202,
      conditional: true,
      response: AcceptedGuest,
      async handler(call) {
        // What was made is the task; the answer is about the guest that it reboots.
        const { answer } = await change(call, (view, ask) => beginReboot(view, { force: call.query.force || call.body.force }, ask));
        const { target } = await taskViewById(store, answer.taskId);
        return guestAndTask(target.id, answer.taskId);
      },
    }),
    route({
      method: 'POST',
      path: `${GUEST}/exec`,
      right: onGuest('VM.GuestAgent.Unrestricted'),
      tag: 'guests',
      summary: 'Run a command in the guest',
      description: 'Its input and output go through the WebSocket at `url`, framed as shared/src/protocol/relay.ts says.',
      params,
      body: ExecGuest,
      status: 201,
      response: StreamView,
      handler: (call) => stream(call, (view, ticket, ask) => beginExec(view, { ...call.body, ticket }, ask)),
    }),
    route({
      method: 'POST',
      path: `${GUEST}/console`,
      right: onGuest('VM.Console'),
      tag: 'guests',
      summary: 'Open the guest’s console',
      params,
      body: Nothing,
      status: 201,
      response: StreamView,
      handler: (call) => stream(call, (view, ticket, ask) => beginConsole(view, { ticket }, ask)),
    }),
  ];
}
