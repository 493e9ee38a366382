/** The agent that makes this machine a host: enrolled by a one-time token like any other, and kept running. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './dependencies.mjs';
import { keep } from './keep.mjs';

const SCRIPT = 'agent/dist/agent.js';

export const agentConfigPath = (dataPath) => join(dataPath, 'agent.json');

/** Throws with the agent's own words when it could not. */
export function enrol({ url, token, dataPath, instance }) {
  const args = ['enrol', '--url', url, '--data', dataPath, ...(instance ? ['--instance', instance] : [])];
  // Arguments are seen by everybody on this machine.
  const env = { ...process.env, DROVER_TOKEN: token };
  const run = (more) => spawnSync(process.execPath, [join(ROOT, SCRIPT), ...args, ...more], { encoding: 'utf8', timeout: 60_000, env });
  let { status, stdout, stderr } = run([]);
  // It was forgotten, and its old key lets nobody in any more; who enrols it again means it.
  if (status !== 0 && stderr.includes('--new-key')) ({ status, stdout, stderr } = run(['--new-key']));
  if (status !== 0) throw new Error((stderr || stdout || `the agent ended with ${status}`).trim());
}

/** Enrols this machine at the control plane beside it, whose `owner` token this is, unless it is known there already. Gives the host's name. */
export async function enrolHere({ url, owner, dataPath, instance }) {
  const call = (method, path, body) => callApi(`${url}/api/v1${path}`, method, owner, body);
  const hostId = readHostId(dataPath);
  if (hostId && existsSync(agentConfigPath(dataPath))) {
    const known = await call('GET', `/hosts/${hostId}`);
    if (known) return known.name;
  }
  const { token } = await call('POST', '/hosts/enrolments', {});
  enrol({ url, token, dataPath, instance });
  const host = await call('GET', `/hosts/${readHostId(dataPath)}`);
  return host?.name ?? 'unknown';
}

/** Keeps it running; `url` where the control plane is not where it was when this host was enrolled. */
export function keepAgent({ dataPath, url, logPath, onOutput }) {
  let said = '';
  return keep({
    title: 'agent',
    script: SCRIPT,
    args: ['run', '--config', agentConfigPath(dataPath), ...(url ? ['--url', url] : [])],
    // One heap for all of its threads: separate ones hold 4 MiB more.
    env: { MALLOC_ARENA_MAX: '1' },
    logPath,
    onOutput,
    onExit({ output }) {
      // Its last words say why, once.
      const words = output.split('\n').at(-1) ?? '';
      if (words !== said) console.log(words);
      said = words;
      return true;
    },
  });
}

/** What the API answers, null for "not found". */
async function callApi(address, method, token, body) {
  const response = await fetch(address, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body ? { 'content-type': 'application/json' } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
    signal: AbortSignal.timeout(10_000),
  });
  const answer = await response.json().catch(() => null);
  if (response.ok) return answer;
  if (response.status === 404) return null;
  throw new Error(answer?.detail ?? `the control plane answered ${response.status}`);
}

function readHostId(dataPath) {
  try {
    return JSON.parse(readFileSync(join(dataPath, 'identity.json'), 'utf8')).hostId ?? null;
  } catch {
    // Never enrolled, or damaged: enrolling again makes it anew with the same key.
    return null;
  }
}
