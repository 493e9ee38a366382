import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { HostId } from '@drover/shared/model/id';
import { type ControlPlaneParts, type Desk, SOUND_CONTROL_PLANE } from './control-plane.ts';
import { WallClock } from './life.ts';
import { carryOut, type Stagehand } from './sentences.ts';
import { type AgentParts, SOUND_AGENT } from './simulated-host.ts';
import { Stage } from './stage.ts';
import { createSteadyChance, SteadyWeather } from './steady.ts';
import { quiet, START_MS } from './timeline.ts';
import { type Manners, Person, SOUND_MANNERS } from './users.ts';

const SETTLING_MS = 300_000;

/** A story that was written, not drawn: who does what when, and nothing else happens. */
export interface Script {
  readonly hosts: number;
  readonly controlPlanes: number;
  /** One of them serves at a time; else each as if it were alone. */
  readonly byTurns?: boolean;
  readonly lines: readonly { readonly atMs: number; readonly sentence: string }[];
}

export interface Parts {
  readonly agent?: Partial<AgentParts>;
  readonly controlPlane?: Partial<ControlPlaneParts>;
  readonly manners?: Partial<Manners>;
}

export interface Played {
  readonly log: readonly string[];
  /** Null: all went as it must. */
  readonly violation: string | null;
  readonly events: number;
}

/** `# …` is a remark, `hosts: 2` says who is there, and `0:01:30 host1 loses power` what happens when. */
export function parseScript(text: string): Script {
  const about = { hosts: 1, controlPlanes: 1, byTurns: false };
  const lines: { atMs: number; sentence: string }[] = [];
  for (const line of text.split('\n').map((line) => line.trim())) {
    if (line === '' || line.startsWith('#')) continue;
    const [, what, count, byTurns] = /^(hosts|control planes): (\d+)(, by turns)?$/.exec(line) ?? [];
    const [, hours, minutes, seconds, sentence] = /^(\d+):(\d\d):(\d\d) +(.+)$/.exec(line) ?? [];
    if (byTurns !== undefined) about.byTurns = true;
    if (what !== undefined) about[what === 'hosts' ? 'hosts' : 'controlPlanes'] = Number(count);
    else if (sentence === undefined) throw new Error(`a script has no line like "${line}"`);
    else lines.push({ atMs: ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1_000, sentence });
  }
  return { ...about, lines };
}

/** Plays it to its last line, heals what was broken, and demands that all becomes as wished. */
export async function playScenario(script: Script, parts: Parts = {}): Promise<Played> {
  const log: string[] = [];
  const chance = createSteadyChance();
  const stage: Stage = await Stage.create({
    chance,
    agent: { ...SOUND_AGENT, ...parts.agent },
    controlPlane: { ...SOUND_CONTROL_PLANE, ...parts.controlPlane },
    tell: (nowMs, line) => void log.push(`${clockTime(nowMs - START_MS)} ${readable(line, stage)}`),
  });
  try {
    await populate(stage, script);
    const people = new Map<string, Person>();
    const hand: Stagehand = {
      stage,
      person: (name, at) => {
        const desk = (): Desk | null => (at === undefined ? stage.desks()[0] : stage.controlPlanes[at - 1]?.desk) ?? null;
        const known = people.get(`${name} ${at}`);
        const person = known ?? new Person(name, { stage, desk, chance, manners: { ...SOUND_MANNERS, ...parts.manners } });
        people.set(`${name} ${at}`, person);
        return person;
      },
    };
    for (const { atMs, sentence } of script.lines) {
      await stage.run(START_MS + atMs);
      if (stage.judge.violation) break;
      stage.tell(`> ${sentence}`);
      await carryOut(hand, sentence);
      await quiet();
    }
    if (!stage.judge.violation) await stage.run(stage.timeline.nowMs + 1_000);
    stage.calm();
    if (!stage.judge.violation) await stage.settle(SETTLING_MS);
    return { log: [...log, ...inTheEnd(stage)], violation: stage.judge.violation, events: stage.events };
  } finally {
    stage.close();
  }
}

async function populate(stage: Stage, { hosts, controlPlanes, byTurns = false }: Script): Promise<void> {
  const chance = createSteadyChance();
  for (let number = 1; number <= hosts; number += 1)
    stage.addHost(HostId.parse(`host_${chance.text(20)}`), `host${number}`, createSteadyChance(), new SteadyWeather(), new WallClock());
  await stage.enrolHosts();
  stage.network.isEmbedded = controlPlanes === 1;
  for (let number = 1; number <= controlPlanes; number += 1)
    stage.addControlPlane(`control plane ${number}`, createSteadyChance(), new WallClock(), byTurns);
  await stage.start();
}

function inTheEnd({ hosts, judge }: Stage): string[] {
  const guests = hosts.flatMap(({ name, machine, journal }) =>
    [...machine.storages.values()].flatMap(({ folders }) =>
      [...folders].flatMap(([id, { disks }]) => {
        const wish = journal?.get({ kind: 'guest', id: String(id) })?.resource;
        const runs = machine.running.has(id) ? 'runs' : 'does not run';
        return disks.size > 0 ? [`guest ${id} on ${name} ${runs}, at generation ${wish?.generation ?? 'unknown'}`] : [];
      }),
    ),
  );
  return ['', ...guests, judge.violation ?? 'all is as wished'];
}

/** Without what is different each time that something else changes. */
const readable = (line: string, { hosts }: Stage): string =>
  hosts
    .reduce((text, { hostId, name }) => text.replaceAll(hostId, name), line)
    .replace(/ → (guest|image|task) [\w-]+, task_\w+$/, ' → accepted')
    .replace(/ → guest (\d+), task_\w+$/, ' → guest $1')
    .replaceAll(/(image|task)_0*(\d+)/g, '$1');

/** In whole seconds, and so that most things, which take whole or half ones and a little more, are far from where one becomes the next. */
function clockTime(ms: number): string {
  const seconds = Math.floor((ms + 250) / 1_000);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${Math.floor(seconds / 3_600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

const SCENARIOS = join('test', 'simulation', 'scenarios');

/** All that are written down, by name; from the root of the checkout. */
export const scenarioNames = (): readonly string[] => readdirSync(SCENARIOS).sort();

export const readScenario = (name: string): Script => parseScript(readFileSync(join(SCENARIOS, name, 'script.txt'), 'utf8'));
