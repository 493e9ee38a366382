import { AffectedGuestsView, BegunView, PowerHost, UpgradeHosts, UpgradesView } from '@drover/shared/api/upgrades';
import { Problem } from '@drover/shared/lib/problem';
import { Tag } from '@drover/shared/model/guest';
import type { AgentRelease } from '@drover/shared/model/task';
import { z } from 'zod';
import { affectedGuests } from '../../core/affected.ts';
import { beginFleetUpgrade } from '../../core/fleet-upgrade.ts';
import { beginHostPower, beginUpgrade, upgradeStateOf } from '../../core/host-tasks.ts';
import type { Rights } from '../../core/rights-of.ts';
import { NOWHERE, thingOf } from '../../core/things.ts';
import type { FleetHost, Which } from '../../db/fleet.ts';
import { actor } from '../act.ts';
import { askOf } from '../ask.ts';
import type { AppDeps } from '../deps.ts';
import { demand } from '../gate.ts';
import { onHost, somewhere } from '../need.ts';
import { type Route, route } from '../route.ts';
import { taskViewById } from '../task-answer.ts';
import { Ref } from './params.ts';

const ListUpgrades = z.strictObject({ host: Ref.optional(), tag: Tag.optional() });
const params = z.object({ host: Ref });

/** What is done to hosts themselves, and to the agents on them. */
export function upgradeRoutes(deps: AppDeps): Route[] {
  const { store } = deps;
  const act = actor(deps);

  function release(): AgentRelease {
    if (deps.agentPackage) return deps.agentPackage.about;
    throw new Problem('not-found', 'this control plane was built without the agent’s package', { suggestion: 'npm run build' });
  }

  /** Throws Problem when somebody is named who is not there, or nobody is meant. */
  async function meant(asked: UpgradeHosts, rights: Rights): Promise<readonly FleetHost[]> {
    const which: Which = asked.hosts ? { refs: asked.hosts } : asked.tag ? { tag: asked.tag } : { all: true };
    const hosts = (await store.fleet.upgradables(which)).filter(({ host: { id } }) => rights.sees('host', id, NOWHERE));
    const missing = asked.hosts?.find((ref) => !hosts.some(({ host }) => host.id === ref || host.name === ref));
    if (missing !== undefined) throw new Problem('not-found', `there is no host ${missing}`, { field: 'hosts' });
    if (hosts.length === 0)
      throw new Problem('not-found', asked.tag ? `no host has the tag ${asked.tag}` : 'there is no host yet', { field: 'tag' });
    for (const { host } of hosts) demand(rights.may('Sys.Modify', thingOf('host', host.id)), 'Sys.Modify', `host ${host.name}`);
    return hosts;
  }

  return [
    route({
      method: 'GET',
      path: '/api/v1/upgrades',
      right: somewhere('Sys.Audit'),
      tag: 'hosts',
      summary: 'The agent that this control plane has, and which hosts run another',
      query: ListUpgrades,
      response: UpgradesView,
      async handler({ query, caller }) {
        const { version, build } = release();
        const which: Which = query.host ? { refs: [query.host] } : query.tag ? { tag: query.tag } : { all: true };
        const hosts = (await store.fleet.upgradables(which)).filter(({ host: { id } }) => caller.rights.sees('host', id, NOWHERE));
        return {
          body: {
            release: { version, build },
            hosts: hosts.map(({ host: { id, name, connected }, agent }) => ({
              ...{ id, name, version: agent?.agentVersion ?? null, build: agent?.agentBuild ?? null },
              ...upgradeStateOf({ host: { id, name, connected }, agent }, { build }),
            })),
          },
        };
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/upgrades',
      right: somewhere('Sys.Modify'),
      tag: 'hosts',
      summary: 'Upgrade the agents of hosts to this control plane’s own',
      description:
        'One host is upgraded at once. Of many, one comes first, then a tenth, then the rest; the first that does not get on ends it. Guests run on. An agent that does not get on within a minute is replaced by the one before.',
      body: UpgradeHosts,
      status: 202,
      response: BegunView,
      async handler(call) {
        const ask = askOf(call, deps);
        const { answer } = await act(
          call,
          () => meant(call.body, call.caller.rights),
          (hosts) => {
            const [only, ...others] = hosts;
            return only && others.length === 0 ? beginUpgrade(only, release(), ask) : beginFleetUpgrade(hosts, release(), ask);
          },
        );
        return { body: { task: await taskViewById(store, answer.taskId) } };
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/hosts/{host}/affected',
      right: onHost('Sys.PowerMgmt'),
      tag: 'hosts',
      summary: 'The guests that a reboot or shutdown of a host would end',
      params,
      response: AffectedGuestsView,
      async handler(call) {
        const { resources } = await store.views.onHost(call.params.host);
        return { body: { items: affectedGuests(resources) } };
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/hosts/{host}/power',
      right: onHost('Sys.PowerMgmt'),
      tag: 'hosts',
      summary: 'Reboot a host, or shut it down',
      description: 'Its guests are shut down first, in their order and with their time. Those that start at boot come back with it.',
      params,
      body: PowerHost,
      status: 202,
      response: BegunView,
      async handler(call) {
        const ask = askOf(call, deps);
        const { answer } = await act(
          call,
          () => store.views.onHost(call.params.host),
          (view) => beginHostPower(view, call.body.action, ask),
        );
        return { body: { task: await taskViewById(store, answer.taskId) } };
      },
    }),
  ];
}
