import { CreateGuest, EditGuest } from '@drover/shared/api/requests';
import { MiB } from '@drover/shared/model/guest';
import type { SimulatedControlPlane } from './control-plane.ts';
import { healthOf } from './health.ts';
import { JOURNAL_FOLDER, type SimulatedHost } from './simulated-host.ts';
import type { Stage } from './stage.ts';
import type { Person } from './users.ts';

/** Who carries out what a script says. */
export interface Stagehand {
  readonly stage: Stage;
  /** `at`: the control plane that they ask; undefined: any. */
  person(name: string, at: number | undefined): Person;
}

type Sentence = readonly [RegExp, (hand: Stagehand, ...words: readonly string[]) => unknown];

/** All that a script can say. */
const SENTENCES: readonly Sentence[] = [
  [
    /^(\w+) creates (container|vm) (\w+)( that starts at boot)?(?: at control plane (\d))?$/,
    (hand, who, type, name, atBoot, at) => {
      const size = { memoryBytes: 128 * MiB, diskBytes: 1024 * MiB };
      const input = CreateGuest.parse({ type, name, image: 'debian-13', ...size, start: true, startAtBoot: atBoot !== undefined });
      ask(hand, who, at).do({ do: 'create', input });
    },
  ],
  [
    /^(\w+) (starts|shuts down|turns off) guest (\d+)(?: at control plane (\d))?$/,
    (hand, who, how, guest = '', at) => {
      const power = how === 'starts' ? 'running' : how === 'shuts down' ? 'shutdown' : 'off';
      ask(hand, who, at).do({ do: 'power', guest, power });
    },
  ],
  [
    /^(\w+) edits guest (\d+): (\{.*\})(?: as of (\d+))?(?: at control plane (\d))?$/,
    (hand, who, guest = '', input = '', asOf, at) => {
      const person = ask(hand, who, at);
      const deed = { do: 'edit', guest, input: EditGuest.parse(JSON.parse(input)) } as const;
      person.do(deed, asOf === undefined ? undefined : Number(asOf));
    },
  ],
  [/^(\w+) deletes guest (\d+)$/, (hand, who, guest = '') => ask(hand, who).do({ do: 'delete', guest, force: true })],
  [/^(\w+) reboots guest (\d+)$/, (hand, who, guest = '') => ask(hand, who).do({ do: 'reboot', guest, force: false })],
  [
    /^(\w+) runs a program in guest (\d+)$/,
    (hand, who, guest = '') => ask(hand, who).do({ do: 'exec', guest, ticket: String(hand.stage.timeline.nowMs).padStart(40, '0') }),
  ],

  [/^(host\d) loses power$/, ({ stage }, name) => host(stage, name).crashHost()],
  [/^a second agent is started on (host\d)$/, ({ stage }, name) => host(stage, name).startOneMore()],
  [/^the agent of (host\d) is killed$/, ({ stage }, name) => host(stage, name).crashAgent('killed')],
  [/^the agent of (host\d) shall die at "(.+)"$/, ({ stage }, name, label = '') => host(stage, name).lightFuse(label)],
  [
    /^(host\d) is cut off( upwards| downwards)?$/,
    ({ stage }, name, way) => stage.network.cutOff(host(stage, name).hostId, { up: way !== ' downwards', down: way !== ' upwards' }),
  ],
  [/^(host\d) can be reached again$/, ({ stage }, name) => stage.network.heal(host(stage, name).hostId)],
  [/^the disk of (host\d) is full$/, ({ stage }, name) => setFull(host(stage, name), true)],
  [/^the disk of (host\d) has room again$/, ({ stage }, name) => setFull(host(stage, name), false)],
  [/^the storage of (host\d) goes away$/, ({ stage }, name) => setAway(host(stage, name), true)],
  [/^the storage of (host\d) is back$/, ({ stage }, name) => setAway(host(stage, name), false)],
  [
    /^what (host\d) has written down about guest (\d+) rots$/,
    ({ stage }, name, guest) => {
      const rotten = host(stage, name);
      rotten.crashAgent('killed, and its disk rots');
      rotten.damage(`${JOURNAL_FOLDER}/guest-${guest}.json`);
      stage.told((watch) => watch.journalLost?.(rotten));
    },
  ],
  [/^guest (\d+) on (host\d) always fails$/, ({ stage }, guest = '', name) => host(stage, name).weather.poisoned.add(guest)],
  [
    /^guest (\d+) on (host\d) (crashes|powers itself off)$/,
    ({ stage }, guest, name, how) => {
      const { machine } = host(stage, name);
      const running = machine.running.get(Number(guest));
      if (running) machine.end(running, how === 'crashes' ? 'crash' : 'self');
    },
  ],
  [
    /^the clock of (host\d|control plane \d) is set (back|forward) by (\d+) s$/,
    ({ stage }, name = '', way, seconds) => {
      const machine = name.startsWith('host') ? host(stage, name) : controlPlane(stage, name.slice(-1));
      stage.setClock(machine, (way === 'back' ? -1_000 : 1_000) * Number(seconds));
    },
  ],

  [/^control plane (\d) is stopped$/, ({ stage }, number) => controlPlane(stage, number).crash('stopped', null)],
  [/^control plane (\d) is started$/, ({ stage }, number) => controlPlane(stage, number).start()],
  [/^control plane (\d) shall die at "(.+)"$/, ({ stage }, number, label = '') => controlPlane(stage, number).lightFuse(label)],
  [/^control plane (\d) cannot reach the database$/, ({ stage }, number) => setReach(controlPlane(stage, number), false)],
  [
    /^control plane (\d) cannot reach the database after its next "(.+)"$/,
    ({ stage }, number, label = '') => Object.assign(controlPlane(stage, number).database, { awayAfter: label }),
  ],
  [/^control plane (\d) reaches the database again$/, ({ stage }, number) => setReach(controlPlane(stage, number), true)],
  [/^the database is backed up$/, ({ stage }) => stage.backUp()],
  [/^the database is restored$/, ({ stage }) => stage.restore()],
  [/^nothing that is sent arrives$/, ({ stage }) => Object.assign(stage.network.weather, { loss: 1 })],
  [/^what is sent arrives again$/, ({ stage }) => Object.assign(stage.network.weather, { loss: 0 })],

  [
    /^(\w+) asks how (host\d) is$/,
    async ({ stage }, who, name) => {
      const [desk] = stage.desks();
      if (!desk) return stage.tell(`${who} gets no answer`);
      const { state, detail } = await healthOf(desk.store, host(stage, name).hostId, desk.life.clock.now());
      stage.tell(`${who}: ${name} is ${state}${detail === null ? '' : `: ${detail}`}`);
    },
  ],
  [/^more is wished of guest (\d+) than its agent understands$/, ({ stage }, guest = '') => stage.network.releases.wishedMore.add(guest)],
  [
    /^no more is wished of guest (\d+) than its agent understands$/,
    ({ stage }, guest = '') => stage.network.releases.wishedMore.delete(guest),
  ],
  [/^more is said about guest (\d+) than its agent understands$/, ({ stage }, guest = '') => stage.network.releases.saidMore.add(guest)],
  [
    /^no more is said about guest (\d+) than its agent understands$/,
    ({ stage }, guest = '') => stage.network.releases.saidMore.delete(guest),
  ],
  [
    /^(host\d) is sent a command about a kind of thing that it does not know$/,
    ({ stage }, name) => {
      const { hostId } = host(stage, name);
      stage.network.command(hostId, stage.network.releases.unknownKind(hostId, stage.timeline.nowMs));
    },
  ],
  [
    /^the agent of (host\d) is newer than the control planes$/,
    ({ stage }, name) => stage.network.releases.newer.add(host(stage, name).hostId),
  ],
  [/^commands to (host\d) are counted$/, ({ stage }, name) => stage.commands.delete(host(stage, name).hostId)],
  [
    /^(host\d) was sent how many commands\?$/,
    ({ stage }, name) => stage.tell(`${name} was sent ${stage.commands.get(host(stage, name).hostId) ?? 0} commands`),
  ],
];

export async function carryOut(hand: Stagehand, sentence: string): Promise<void> {
  for (const [pattern, act] of SENTENCES) {
    const found = pattern.exec(sentence);
    if (!found) continue;
    await act(hand, ...found.slice(1));
    return;
  }
  throw new Error(`nobody knows how to do "${sentence}"`);
}

const ask = (hand: Stagehand, who = '', at?: string): Person => hand.person(who, at === undefined ? undefined : Number(at));

function host({ hosts }: Stage, name: string | undefined): SimulatedHost {
  const found = hosts.find((host) => host.name === name);
  if (!found) throw new Error(`there is no ${name}`);
  return found;
}

function controlPlane({ controlPlanes }: Stage, number: string | undefined): SimulatedControlPlane {
  const found = controlPlanes[Number(number) - 1];
  if (!found) throw new Error(`there is no control plane ${number}`);
  return found;
}

function setReach({ database }: SimulatedControlPlane, isThere: boolean): void {
  database.isAway = !isThere;
}

function setFull({ disk }: SimulatedHost, full: boolean): void {
  disk.full = full;
}

function setAway({ machine }: SimulatedHost, away: boolean): void {
  for (const storage of machine.storages.values()) storage.away = away;
}
