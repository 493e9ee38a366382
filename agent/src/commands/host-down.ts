import { realClock } from '@drover/shared/lib/clock';
import { digest } from '@drover/shared/lib/digest';
import { Problem } from '@drover/shared/lib/problem';
import type { AgentConfig } from '../config.ts';
import { createHostDrivers } from '../drivers/host-drivers.ts';
import { endGuests } from '../going-down.ts';
import { realDisk } from '../host/disk.ts';
import { makeRunFolders } from '../host/folder.ts';
import { hostBootId } from '../host/inventory.ts';
import { takeLock } from '../host/lock.ts';
import { run } from '../host/shell.ts';
import { Journal } from '../journal.ts';
import { ask } from '../local/client.ts';
import { createWishes } from '../wishes.ts';
import { CONFIG_PATH, type Command, parseWords, readConfig, say } from './words.ts';

/** For drover-guests.service: ends guests in order, if the host is going down. Without an agent that answers it does so itself. */
export const hostDownCommand: Command = async (words) => {
  const { values } = parseWords(words, { config: { type: 'string' } });
  const path = values.config ?? CONFIG_PATH;
  // No host of anybody's: there are no guests.
  if (realDisk.read(path) === null) return;
  const { stdout } = await run('systemctl', ['is-system-running'], { okCodes: [0, 1], timeoutMs: 30_000 });
  if (stdout.trim() !== 'stopping') return say('The host is not going down: guests are left alone.');
  const config = readConfig(path);
  try {
    // One that does not even say how it is would keep the host from going down.
    await ask(config.runPath, { do: 'status' }, AbortSignal.timeout(HUNG_MS));
    await ask(config.runPath, { do: 'host-down' });
  } catch (thrown) {
    const problem = Problem.from(thrown);
    say(`${problem.message}: guests are ended without it`);
    if (problem.code === 'timeout') await run('systemctl', ['kill', '--signal=SIGKILL', 'drover-agent.service'], { timeoutMs: 30_000 });
    await endAlone(config);
  }
};

const HUNG_MS = 60_000;
const LOCK_MS = 10_000;

/** By what the journal knows of them. While the agent lives after all, its lock keeps this from happening. */
async function endAlone(config: AgentConfig): Promise<void> {
  await lock(config);
  makeRunFolders(config.runPath);
  const downloadUpload = () => Promise.reject(new Problem('internal', 'nothing is fetched while the host goes down'));
  const drivers = createHostDrivers({ config, clock: realClock, log: say, controlPlane: { downloadUpload } });
  const journal = new Journal(realDisk, `${config.dataPath}/journal`, hostBootId(), realClock.now());
  await endGuests({ wishes: createWishes(journal, drivers), drivers, clock: realClock, log: say });
  for (const driver of Object.values(drivers.guests)) driver.leave();
}

/** One that was killed lets go of it in a moment. */
async function lock({ dataPath }: AgentConfig): Promise<void> {
  const untilMs = realClock.now() + LOCK_MS;
  for (;;) {
    try {
      return await takeLock(`drover-agent-${digest(dataPath)}`, `the agent's data folder ${dataPath}`);
    } catch (thrown) {
      if (realClock.now() > untilMs) throw thrown;
      await realClock.sleep(200);
    }
  }
}
