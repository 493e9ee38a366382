import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { EnrolmentView } from '@drover/shared/api/views';
import { realDisk } from '../../agent/src/host/disk.ts';
import { readIdentity } from '../../agent/src/identity.ts';
import { type RunningSimulatedHost, startSimulatedHost } from './host.ts';

/**
 * Simulated hosts that join a running control plane.
 * One, by an enrolment token: dev-host.ts --url URL --token TOKEN [--name sim-1]
 * Several, by an owner's API token: dev-host.ts --url URL --token TOKEN --hosts 3
 */
const { values } = parseArgs({
  options: {
    url: { type: 'string' },
    token: { type: 'string' },
    name: { type: 'string', default: 'sim-1' },
    hosts: { type: 'string' },
    data: { type: 'string', default: join(process.env.DROVER_DATA || join(process.cwd(), '.cache/dev'), 'simulated') },
  },
});

const say = (line: string) => console.log(line);

async function main(): Promise<void> {
  const { url, token, name, data } = values;
  if (!url || !token) throw new Error('say --url and --token');
  const names = values.hosts === undefined ? [name] : Array.from({ length: Number(values.hosts) }, (_, index) => `sim-${index + 1}`);
  const running: RunningSimulatedHost[] = [];
  for (const each of names) {
    const dataPath = join(data, each);
    const enrolment = values.hosts === undefined ? token : await enrolmentFor(url, token, dataPath);
    running.push(await startSimulatedHost({ controlPlaneUrl: url, token: enrolment, dataPath, name: each, log: say }));
  }
  say(`Simulated hosts: ${running.map((host) => host.name).join(', ')}`);
  const stop = () => void Promise.all(running.map((host) => host.stop())).then(() => process.exit(0));
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
}

/** A fresh enrolment token; none for a host that this control plane knows already. What was left by a control plane that is no more goes. */
async function enrolmentFor(url: string, token: string, dataPath: string): Promise<string> {
  const headers = { 'authorization': `Bearer ${token}`, 'content-type': 'application/json' };
  const identity = readIdentity(dataPath, realDisk);
  if (identity) {
    const known = await fetch(`${url}/api/v1/hosts/${identity.hostId}`, { headers });
    if (known.ok) return '';
    rmSync(dataPath, { recursive: true, force: true });
  }
  const answer = await fetch(`${url}/api/v1/hosts/enrolments`, { method: 'POST', headers, body: '{}' });
  if (!answer.ok) throw new Error(`the control plane gave no enrolment token: it answered ${answer.status}`);
  return EnrolmentView.parse(await answer.json()).token;
}

main().catch((thrown: unknown) => {
  console.error(thrown instanceof Error ? thrown.message : thrown);
  process.exit(1);
});
