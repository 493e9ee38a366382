/** Enrols this machine as a host, by the same one-time token as any other. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './dependencies.mjs';

const AGENT = join(ROOT, 'agent/dist/agent.js');

/** Gives the agent's configuration and the host's name; enrols when this control plane does not know the host yet. */
export async function enrolThisHost({ url, token, dataPath, instance }) {
  const configPath = join(dataPath, 'agent.json');
  const call = (method, path, body) => callApi(`${url}/api/v1${path}`, method, token, body);
  const hostId = readHostId(dataPath);
  if (hostId && existsSync(configPath)) {
    const known = await call('GET', `/hosts/${hostId}`);
    if (known) return { configPath, name: known.name };
  }
  const enrolment = await call('POST', '/hosts/enrolments', {});
  const args = ['enrol', '--url', url, '--token', enrolment.token, '--data', dataPath];
  if (instance) args.push('--instance', instance);
  const { status, stdout, stderr } = spawnSync(process.execPath, [AGENT, ...args], { encoding: 'utf8', timeout: 60_000 });
  if (status !== 0) throw new Error((stderr || stdout || `the agent ended with ${status}`).trim());
  const host = await call('GET', `/hosts/${readHostId(dataPath)}`);
  return { configPath, name: host?.name ?? 'unknown' };
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
