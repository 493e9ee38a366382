import { GuestSpec } from '@drover/shared/model/guest';
import { HostId } from '@drover/shared/model/id';
import type { Resource } from '@drover/shared/model/resource';
import { expect, it } from 'vitest';
import { createChance } from '../../test/simulation/chance.ts';
import { createSimulatedDisk, emptyDisk } from '../../test/simulation/disk.ts';
import { createSimulatedDrivers, simulatedInventory } from '../../test/simulation/hypervisor.ts';
import { MortalLife, realLife, WallClock } from '../../test/simulation/life.ts';
import { GUEST, guest, STORAGE, storage } from '../../test/simulation/lone-wishes.ts';
import { Machine } from '../../test/simulation/machine.ts';
import { quiet, Timeline } from '../../test/simulation/timeline.ts';
import { fairWeather } from '../../test/simulation/weather.ts';
import { startAgent } from './agent.ts';
import { Journal } from './journal.ts';
import type { Trial } from './upgrade/trial.ts';

const HOST = HostId.parse('host_0123456789');
let sequence = 0;
const passing = (timeline: Timeline) => async (ms: number) => {
  const untilMs = timeline.nowMs + ms;
  await quiet();
  while (await timeline.step(untilMs));
};

it('lets go of its guests when it ends', async () => {
  const left: string[] = [];
  const life = new MortalLife(new Timeline(1_000_000));
  const chance = createChance('agent');
  const machine = new Machine('one', life.clock, fairWeather(chance));
  const drivers = createSimulatedDrivers({ machine, life });
  const noted = (type: 'vm' | 'container') => ({ ...drivers.guests[type], leave: () => void left.push(type) });
  const agent = startAgent({
    hostId: HOST,
    journal: new Journal(createSimulatedDisk(emptyDisk(), realLife), '/journal', 'boot', 0),
    drivers: { ...drivers, guests: { vm: noted('vm'), container: noted('container') } },
    link: { open() {}, send() {}, close: async () => {} },
    clock: life.clock,
    random: chance,
    inventory: await simulatedInventory(machine, drivers),
    dialRelay: () => Promise.reject(new Error('there is no relay')),
    log() {},
  });
  await agent.stop('ended by the test');
  expect(left.sort()).toEqual(['container', 'vm']);
});

it('after a boot of the host guests start by themselves in time, also when the clock was set back meanwhile', async () => {
  const timeline = new Timeline(1_000_000);
  const wallClock = new WallClock();
  const life = new MortalLife(timeline, wallClock);
  const chance = createChance('agent');
  const machine = new Machine('one', life.clock, fairWeather(chance));
  const drivers = createSimulatedDrivers({ machine, life });
  const disk = createSimulatedDisk(emptyDisk(), realLife);
  const before = new Journal(disk, '/journal', 'first boot', life.clock.now());
  before.accept({ ...STORAGE, hostId: HOST, generation: 1, deletion: null, spec: storage });
  before.accept({ ...GUEST, hostId: HOST, generation: 1, deletion: null, spec: guest });
  startAgent({
    hostId: HOST,
    journal: new Journal(disk, '/journal', 'second boot', life.clock.now()),
    drivers,
    link: { open() {}, send() {}, close: async () => {} },
    clock: life.clock,
    random: chance,
    inventory: await simulatedInventory(machine, drivers),
    dialRelay: () => Promise.reject(new Error('there is no relay')),
    log() {},
  });
  const pass = passing(timeline);
  await pass(60_000);
  expect(machine.running.size).toBe(0);
  wallClock.jump(-900_000);
  await pass(70_000);
  expect([...machine.running.keys()]).toEqual([107]);
});

it('after a boot of the host guests start in their order, also by an agent that is restarted half-way', async () => {
  const timeline = new Timeline(1_000_000);
  const chance = createChance('agent');
  const disk = createSimulatedDisk(emptyDisk(), realLife);
  const machine = new Machine('one', new MortalLife(timeline).clock, fairWeather(chance));
  const pass = passing(timeline);
  let life = new MortalLife(timeline);
  async function start(boot: string) {
    life = new MortalLife(timeline);
    const drivers = createSimulatedDrivers({ machine, life });
    const journal = new Journal(disk, '/journal', boot, life.clock.now());
    const inventory = await simulatedInventory(machine, drivers);
    const dialRelay = () => Promise.reject(new Error('there is no relay'));
    const link = { open() {}, send() {}, close: async () => {} };
    startAgent({ hostId: HOST, journal, drivers, link, clock: life.clock, random: chance, inventory, dialRelay, log() {} });
    return journal;
  }
  const ids = () => [...machine.running.keys()];
  const before = await start('first boot');
  const wishes = { 107: { name: 'web' }, 108: { name: 'db', startOrder: 1, startDelayS: 60 }, 109: { name: 'app', startOrder: 2 } };
  before.accept({ ...STORAGE, hostId: HOST, generation: 1, deletion: null, spec: storage });
  for (const [id, over] of Object.entries(wishes))
    before.accept({ kind: 'guest', id, hostId: HOST, generation: 1, deletion: null, spec: { ...guest, ...over } });
  await pass(120_000);
  expect(ids()).toHaveLength(3);
  life.end();
  machine.crash();
  await start('second boot');
  await pass(125_000);
  expect(ids()).toEqual([108]);
  life.end();
  await start('second boot');
  await pass(30_000);
  expect(ids()).toEqual([108]);
  await pass(30_000);
  expect(ids()).toEqual([108, 109, 107]);
});

it('a storage that is new to this host is searched at once for guests that nobody wished for', async () => {
  const timeline = new Timeline(1_000_000);
  const life = new MortalLife(timeline);
  const chance = createChance('agent');
  const machine = new Machine('one', life.clock, fairWeather(chance));
  const drivers = createSimulatedDrivers({ machine, life });
  const disk = GuestSpec.parse(guest).disks[0] ?? expect.fail();
  machine.folder('/local/guests/108').disks.set(disk.name, { disk, attached: false });
  const said = new Set<string>();
  let command: (resource: Resource) => void = () => {};
  startAgent({
    hostId: HOST,
    journal: new Journal(createSimulatedDisk(emptyDisk(), realLife), '/journal', 'boot', 0),
    drivers,
    link: {
      open(handlers) {
        const about = { v: 1, host: HOST, asOfMs: 0, issuedAtMs: 0, expiresAtMs: 0 } as const;
        command = (resource) => handlers.command({ ...about, counter: 1, resource });
        handlers.up('session');
      },
      send(message) {
        if (message.do === 'report') for (const { kind, id } of message.report.statuses) said.add(`${kind}/${id}`);
      },
      close: async () => {},
    },
    clock: life.clock,
    random: chance,
    inventory: await simulatedInventory(machine, drivers),
    dialRelay: () => Promise.reject(new Error('there is no relay')),
    log() {},
  });
  const pass = passing(timeline);
  await pass(60_000);
  command({ ...STORAGE, hostId: HOST, generation: 1, deletion: null, spec: storage });
  await pass(30_000);
  expect([...said]).toContain('guest/108');
});

/** A new agent whose journal wishes guest 107 to run, and which somebody answers when told to. */
async function agentOnTrial(trial: Trial) {
  const timeline = new Timeline(1_000_000);
  const life = new MortalLife(timeline);
  const chance = createChance('agent');
  const machine = new Machine('one', life.clock, fairWeather(chance));
  const drivers = createSimulatedDrivers({ machine, life });
  const journal = new Journal(createSimulatedDisk(emptyDisk(), realLife), '/journal', 'boot', life.clock.now());
  journal.accept({ ...STORAGE, hostId: HOST, generation: 1, deletion: null, spec: storage });
  journal.accept({ ...GUEST, hostId: HOST, generation: 1, deletion: null, spec: guest });
  let answer: () => void = () => {};
  const agent = startAgent({
    hostId: HOST,
    journal,
    drivers,
    link: {
      open(handlers) {
        handlers.up('session');
        answer = () => handlers.reply({ v: 1, boot: journal.boot, sequence, helloWanted: false, atMs: 0 });
      },
      send(message) {
        if (message.do === 'report') sequence = message.report.sequence;
      },
      close: async () => {},
    },
    clock: life.clock,
    random: chance,
    inventory: await simulatedInventory(machine, drivers),
    dialRelay: () => Promise.reject(new Error('there is no relay')),
    log() {},
    trial,
  });
  return { agent, machine, timeline, answer: () => answer(), lasts: passing(timeline) };
}

it('a new agent on trial does nothing to guests before it was answered and sees what ran; then it says so, and goes on', async () => {
  let passed = false;
  const pass = () => {
    passed = true;
  };
  let running = [107];
  const { machine, answer, lasts } = await agentOnTrial({ isOn: () => !passed, before: () => ({ atMs: 0, running }), pass });
  // Nobody answers: not even when the wait for the control plane is over.
  await lasts(60_000);
  expect([passed, machine.running.size]).toEqual([false, 0]);
  // Guest 107 ran before, and is not seen to run: were it started, it would run twice.
  answer();
  await lasts(20_000);
  expect([passed, machine.running.size]).toEqual([false, 0]);
  running = [];
  await lasts(20_000);
  expect([passed, [...machine.running.keys()]]).toEqual([true, [107]]);
});

it('a new agent on trial that ends while it looks for the guests looks no more', async () => {
  let looks = 0;
  const before = () => {
    looks += 1;
    return { atMs: 0, running: [107] };
  };
  const { agent, timeline, answer, lasts } = await agentOnTrial({ isOn: () => true, before, pass() {} });
  await lasts(30_000);
  answer();
  expect(looks).toBe(1);
  await agent.stop('told to');
  await lasts(600_000);
  expect([looks, timeline.pending]).toEqual([1, 0]);
});
