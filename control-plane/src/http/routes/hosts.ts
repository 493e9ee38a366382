import { CreateEnrolment, EditHost } from '@drover/shared/api/requests';
import { EnrolmentTokensView, EnrolmentView, HostView } from '@drover/shared/api/views';
import { Problem } from '@drover/shared/lib/problem';
import { z } from 'zod';
import { admitHost, editHost, forgetHost, nameTaken, revokeHost } from '../../core/hosts.ts';
import { enrolmentId, hashOfSecret } from '../../db/secret.ts';
import { mintEnrolment } from '../../loop/enrol.ts';
import { actor, recordOf } from '../act.ts';
import { askOf } from '../ask.ts';
import { HostPage, Nothing } from '../components.ts';
import type { AppDeps } from '../deps.ts';
import { cloneLine, cloudInit, installLine } from '../join-lines.ts';
import { onEverything, onHost, somewhere } from '../need.ts';
import { hostUrl } from '../origin.ts';
import { reply } from '../reply.ts';
import { type Route, rawRoute, route } from '../route.ts';
import { enrolmentTokenView, hostView, pageOf } from '../views.ts';
import { ListHosts, Ref } from './params.ts';

const HOST = '/api/v1/hosts/{host}';
const params = z.object({ host: Ref });

export function hostRoutes(deps: AppDeps): Route[] {
  const { store, clock } = deps;
  const act = actor(deps);
  async function viewOf(ref: string): Promise<HostView> {
    const record = await store.host(ref);
    if (!record) throw new Problem('not-found', `there is no host ${ref}`, { field: 'host' });
    return hostView(record, deps);
  }

  return [
    route({
      method: 'GET',
      path: '/api/v1/hosts',
      right: somewhere('Sys.Audit'),
      tag: 'hosts',
      summary: 'List hosts by name',
      query: ListHosts,
      response: HostPage,
      async handler({ query, caller }) {
        const page = await store.hosts(query, caller.rights.within('Sys.Audit', '/nodes'));
        return { body: pageOf(page, (record) => hostView(record, deps)) };
      },
    }),
    // Before the route of one host, which would take it for a name.
    route({
      method: 'GET',
      path: '/api/v1/hosts/enrolments',
      right: onEverything('Sys.Modify'),
      tag: 'hosts',
      summary: 'The tokens that let new hosts in, without the tokens themselves',
      response: EnrolmentTokensView,
      async handler() {
        const nowMs = clock.now();
        return { body: { items: (await store.access.enrolments()).map((enrolment) => enrolmentTokenView(enrolment, nowMs)) } };
      },
    }),
    route({
      method: 'GET',
      path: HOST,
      right: onHost('Sys.Audit'),
      tag: 'hosts',
      summary: 'One host',
      params,
      response: HostView,
      handler: async (call) => ({ body: await viewOf(call.params.host) }),
    }),
    route({
      method: 'PATCH',
      path: HOST,
      right: onHost('Sys.Modify'),
      tag: 'hosts',
      summary: 'Change the name or the settings of a host',
      description: 'Settings are wished and acknowledged like everything else; only what is named changes.',
      params,
      body: EditHost,
      response: HostView,
      async handler(call) {
        const ask = askOf(call, deps);
        const load = () => store.views.onHost(call.params.host, call.body.name);
        const { answer } = await act(call, load, (view) => editHost(view, call.body, ask));
        return { body: await viewOf(answer.hostId) };
      },
    }),
    rawRoute({
      method: 'DELETE',
      path: HOST,
      right: onHost('Sys.Modify'),
      tag: 'hosts',
      summary: 'Forget a host',
      description: 'Removes it and all it had from the control plane. Nothing on the host is touched: its guests keep running there.',
      params,
      answers: { status: 204, contentType: null, description: 'Forgotten' },
      async handler(call) {
        const ask = askOf(call, deps);
        await act(
          call,
          () => store.views.onHost(call.params.host),
          (view) => forgetHost(view, ask),
        );
        return reply(null, { status: 204 });
      },
    }),
    route({
      method: 'POST',
      path: `${HOST}/revoke`,
      right: onHost('Sys.Modify'),
      tag: 'hosts',
      summary: 'Cut a host off',
      description:
        'It is heard no more and told nothing, until it is admitted again. Its guests run on, and all that is known of it stays.',
      params,
      body: Nothing,
      response: HostView,
      async handler(call) {
        const ask = askOf(call, deps);
        const load = () => store.views.onHost(call.params.host);
        const { answer } = await act(call, load, (view) => revokeHost(view, ask));
        for (const taskId of answer.tasks) deps.relay.fail(taskId, 'the host was cut off');
        return { body: await viewOf(answer.hostId) };
      },
    }),
    route({
      method: 'POST',
      path: `${HOST}/admit`,
      right: onHost('Sys.Modify'),
      tag: 'hosts',
      summary: 'Let a host in again that was cut off',
      params,
      body: Nothing,
      response: HostView,
      async handler(call) {
        const ask = askOf(call, deps);
        const load = () => store.views.onHost(call.params.host);
        const { answer } = await act(call, load, (view) => admitHost(view, ask));
        return { body: await viewOf(answer.hostId) };
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/hosts/enrolments',
      right: onEverything('Sys.Modify'),
      tag: 'hosts',
      summary: 'Let a new host in: a one-time token and the command to type on it',
      body: CreateEnrolment,
      status: 201,
      response: EnrolmentView,
      async handler(call) {
        const { name } = call.body;
        if (name !== undefined && (await store.host(name))) throw nameTaken(name);
        const record = recordOf(call, clock.now(), { kind: 'enrolment', name: name ?? null, detail: 'a token that lets one host in' });
        const minted = await mintEnrolment(deps, call.caller.user.name, name ?? null, record);
        const url = hostUrl(deps, call.request);
        const { token, expiresAtMs } = minted;
        return {
          body: {
            ...minted,
            id: enrolmentId(hashOfSecret(token)),
            url,
            command: installLine(url, token),
            cloneCommand: cloneLine(url, token),
            cloudInit: cloudInit(url, token, expiresAtMs),
          },
        };
      },
    }),
    rawRoute({
      method: 'DELETE',
      path: '/api/v1/hosts/enrolments/{token}',
      right: onEverything('Sys.Modify'),
      tag: 'hosts',
      summary: 'Take an enrolment token back, by itself or by its id in the list',
      params: z.object({ token: z.string().min(1).max(200) }),
      answers: { status: 204, contentType: null, description: 'No host can enrol with it any more' },
      async handler(call) {
        const { token } = call.params;
        const record = recordOf(call, clock.now(), { kind: 'enrolment', detail: 'taken back' });
        const { access } = store;
        const wasThere = (await access.removeEnrolment(hashOfSecret(token), record)) || (await access.removeEnrolment(token, record));
        if (!wasThere) throw new Problem('not-found', 'there is no such enrolment token: it was used, or has expired', { field: 'token' });
        return reply(null, { status: 204 });
      },
    }),
  ];
}
