import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { realClock } from '@drover/shared/lib/clock';
import { Problem } from '@drover/shared/lib/problem';
import type { AgentConfig } from '../config.ts';
import { findCgroups } from '../drivers/guest/lxc-cgroup.ts';
import { createHostDrivers } from '../drivers/host-drivers.ts';
import { realDisk } from '../host/disk.ts';
import { run } from '../host/shell.ts';
import { hasSystemd } from '../host/supervise.ts';
import { readIdentity } from '../identity.ts';
import { damagedFiles } from '../journal.ts';
import { ask } from '../local/client.ts';
import { LocalStatus } from '../local/protocol.ts';
import { type Finding, no, note, ok } from './finding.ts';
import { findingOfClock, findingOfDriver, findingOfPackages, findingOfSpace, findingOfUnit } from './read.ts';

const ASK_MS = 10_000;
const UNIT_PROPERTIES = 'LoadState,ActiveState,SubState,UnitFileState,NRestarts,Result';
const UNITS = ['drover-agent.service', 'drover-guests.service'];

/** Everything that a host needs, looked at from outside of the agent, one thing after another. Changes nothing, and never hangs. */
export async function* lookAtHost(config: AgentConfig): AsyncGenerator<Finding> {
  yield* enrolment(config);
  yield* await units();
  yield* await attempt('the agent', () => agent(config));
  yield* await attempt('the control plane', () => controlPlane(config));
  yield* await attempt('the journal', async () => journal(config));
  yield* await attempt('cgroups', async () => cgroups());
  for (const path of new Set([config.dataPath, ...config.storagePaths])) yield* await attempt(`the space in ${path}`, () => space(path));
  const drivers = createHostDrivers({ config, clock: realClock, log: () => {}, controlPlane: { downloadUpload: nothingIsFetched } });
  for (const driver of [...Object.values(drivers.guests), ...drivers.storages.values(), ...drivers.networks.values()])
    yield* await attempt(`driver ${driver.name}`, async () => [findingOfDriver(await driver.probe())]);
  yield* await attempt('packages', packages);
}

const nothingIsFetched = () => Promise.reject(new Problem('internal', 'nothing is fetched while looking'));

/** Whatever could not be looked at is itself a finding. */
async function attempt(what: string, look: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await look();
  } catch (thrown) {
    const problem = Problem.from(thrown);
    return [no(`${what}: ${problem.message}`, problem.suggestion)];
  }
}

function enrolment({ dataPath }: AgentConfig): Finding[] {
  try {
    const identity = readIdentity(dataPath, realDisk);
    if (!identity) return [no('this host is not enrolled', 'the page Add a host, or "drover host add", shows the line to type here')];
    return [ok(`enrolled as ${identity.name} (${identity.hostId})`)];
  } catch (thrown) {
    const problem = Problem.from(thrown);
    return [no(problem.message, problem.suggestion)];
  }
}

async function units(): Promise<Finding[]> {
  if (!hasSystemd()) return [note('systemd does not run here: who started the agent must start it again after a boot')];
  const findings: Finding[] = [];
  for (const unit of UNITS) {
    findings.push(
      ...(await attempt(unit, async () => {
        const { stdout } = await run('systemctl', ['show', `--property=${UNIT_PROPERTIES}`, unit], { timeoutMs: ASK_MS });
        return findingOfUnit(unit, stdout);
      })),
    );
  }
  return findings;
}

async function agent({ runPath }: AgentConfig): Promise<Finding[]> {
  const answer = await ask(runPath, { do: 'status' }, AbortSignal.timeout(ASK_MS)).catch((thrown: unknown) => Problem.from(thrown));
  if (answer instanceof Problem) {
    // "drover-agent doctor says why" would lead nowhere here.
    const fix = answer.code === 'wrong-state' ? 'systemctl start drover-agent; journalctl -u drover-agent says more' : answer.suggestion;
    return [no(answer.message, fix)];
  }
  const status = LocalStatus.parse(answer);
  const { link, paused, attention } = status;
  return [
    ok(`the agent answers (version ${status.version})`),
    link.connected
      ? ok('it is connected to the control plane')
      : no(`it is not connected${link.why ? `: ${link.why}` : ''}`, 'what is said below of the control plane may help'),
    ...(paused ? [note(`it is paused${paused.reason ? `: ${paused.reason}` : ''}`, 'drover-agent resume')] : []),
    ...attention.map(({ what, detail, suggestion }) => note(`${what} needs attention: ${detail}`, suggestion)),
  ];
}

async function controlPlane({ controlPlaneUrl }: AgentConfig): Promise<Finding[]> {
  let response: Response;
  try {
    response = await fetch(`${controlPlaneUrl}/api`, { signal: AbortSignal.timeout(ASK_MS), redirect: 'follow' });
    await response.body?.cancel();
  } catch (thrown) {
    const cause = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause.message : String(thrown);
    return [
      no(
        `${controlPlaneUrl} is not reached from here: ${cause}`,
        'guests run on without it; look at the network, at its name, and whether it runs',
      ),
    ];
  }
  const reached = response.ok
    ? ok(`${controlPlaneUrl} is reached`)
    : no(`${controlPlaneUrl} answers ${response.status}`, 'is this still its address?');
  return [reached, findingOfClock(response.headers.get('date'), realClock.now())];
}

function journal({ dataPath }: AgentConfig): Finding[] {
  const damaged = damagedFiles(realDisk, `${dataPath}/journal`);
  if (damaged.length === 0) return [ok('the journal can be read')];
  return [
    no(
      `damaged in ${dataPath}/journal: ${damaged.join(', ')}`,
      'the agent puts them aside when it starts, and the control plane sends their content again',
    ),
  ];
}

function cgroups(): Finding[] {
  if (findCgroups().version === 'v2') return [ok('cgroup v2')];
  return [
    no(
      'no cgroup v2: guests cannot be measured, and limited only in part',
      'remove systemd.unified_cgroup_hierarchy=0 from the kernel command line',
    ),
  ];
}

async function space(path: string): Promise<Finding[]> {
  // A storage that nobody uses yet is made when it is needed, on what is above it.
  const { bavail, bsize } = await statfs(nearestThere(path));
  return [findingOfSpace(path, bavail * bsize)];
}

const nearestThere = (path: string): string => (existsSync(path) || path === '/' ? path : nearestThere(dirname(path)));

async function packages(): Promise<Finding[]> {
  const { stdout } = await run('dpkg', ['--audit'], { timeoutMs: 30_000, okCodes: [0, 1] });
  return [findingOfPackages(stdout)];
}
