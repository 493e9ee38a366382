import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { realRandom } from '@drover/shared/lib/random';
import { startAgent } from '../../agent/src/agent.ts';
import { type Disk, realDisk } from '../../agent/src/host/disk.ts';
import { enrol, readIdentity } from '../../agent/src/identity.ts';
import { Journal } from '../../agent/src/journal.ts';
import type { Link } from '../../agent/src/link.ts';
import { createMqttLink } from '../../agent/src/mqtt-link.ts';
import { createRelayDialer } from '../../agent/src/tasks/relay-websocket.ts';
import { createChance } from '../simulation/chance.ts';
import { createSimulatedDrivers, simulatedInventory } from '../simulation/hypervisor.ts';
import { Machine } from '../simulation/machine.ts';
import { fairWeather } from '../simulation/weather.ts';
import { createFuse, type Fuse } from './fuse.ts';
import { keepMachine, takeUpMachine } from './kept-machine.ts';
import { unruly } from './unruly.ts';

/** A real agent, journal and link; guests are simulated and outlive it. Everything that really happens to them is appended to events.jsonl. */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { url: { type: 'string' }, token: { type: 'string' }, data: { type: 'string' } } });
  const { url: controlPlaneUrl = '', token = '', data: dataPath = '' } = values;
  mkdirSync(`${dataPath}/journal`, { recursive: true });
  const machinePath = `${dataPath}/machine.json`;
  const fuse = createFuse(() => keepMachine(machine, machinePath));
  const { clock } = fuse;
  const machine = new Machine('chaos', clock, fairWeather(createChance('chaos')), (event) =>
    appendFileSync(`${dataPath}/events.jsonl`, `${JSON.stringify(event)}\n`),
  );
  takeUpMachine(machine, machinePath);
  const identity =
    readIdentity(dataPath, realDisk) ??
    (await enrol({ controlPlaneUrl, token, dataPath, hostname: 'chaos', disk: realDisk, nowMs: clock.now() }));
  const drivers = createSimulatedDrivers({ machine, life: fuse });
  const log = (line: string) => console.log(line);
  const agent = startAgent({
    hostId: identity.hostId,
    journal: new Journal(crashingDisk(fuse), `${dataPath}/journal`, machine.bootId, clock.now()),
    drivers,
    link: crashingLink(createMqttLink({ identity, controlPlaneUrl, clock, random: realRandom, log }), fuse),
    clock,
    random: realRandom,
    inventory: await simulatedInventory(machine, drivers),
    dialRelay: createRelayDialer(controlPlaneUrl),
    log,
  });
  console.log('the agent runs');
  process.once('SIGTERM', () => {
    keepMachine(machine, machinePath);
    void agent.stop('ended').then(() => process.exit(0));
  });
}

/** The real disk, with the states between that a crash can leave: nothing, half a file, a whole file without its name, and all. */
function crashingDisk(fuse: Fuse): Disk {
  const short = (path: string) => path.slice(path.lastIndexOf('/') + 1).replace(/_[a-z0-9]+/, '');
  return {
    ...realDisk,
    writeAtomically(path, text) {
      if (fuse.troubles.has('full-disk')) throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
      fuse.point(`journal ${short(path)}, before`);
      writeFileSync(`${path}.new`, text.slice(0, text.length / 2));
      fuse.point(`journal ${short(path)}, torn`);
      writeFileSync(`${path}.new`, text);
      fuse.point(`journal ${short(path)}, unsynced`);
      realDisk.writeAtomically(path, text);
      fuse.point(`journal ${short(path)}, after`);
    },
    remove(path) {
      fuse.point(`journal ${short(path)}, before removal`);
      realDisk.remove(path);
      fuse.point(`journal ${short(path)}, after removal`);
    },
  };
}

function crashingLink(link: Link, fuse: Fuse): Link {
  const deliver = unruly(fuse);
  const around = <A extends readonly unknown[]>(label: string, act: (...values: A) => void) => {
    return (...values: A) => {
      fuse.point(`${label}, before`);
      act(...values);
      fuse.point(`${label}, after`);
    };
  };
  return {
    ...link,
    open: (handlers) =>
      link.open({
        ...handlers,
        command: around('command', handlers.command),
        reply: around('reply', handlers.reply),
      }),
    send: around('send', (message) => {
      if (fuse.troubles.size === 0) link.send(message);
      else void deliver(() => link.send(message));
    }),
  };
}

await main();
