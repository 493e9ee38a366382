/** Enrols this machine as a host, by the same one-time token as any other. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './dependencies.mjs';

const AGENT = join(ROOT, 'agent/dist/agent.js');

/** Gives the path of the agent's configuration; enrols only when there is none yet. */
export async function enrolThisHost({ url, token, dataPath, instance }) {
  const configPath = join(dataPath, 'agent.json');
  if (existsSync(configPath)) return { configPath };
  const response = await fetch(`${url}/api/v1/hosts/enrolments`, {
    method: 'POST',
    headers: { 'authorization': `Bearer ${token}`, 'content-type': 'application/json' },
    body: '{}',
    signal: AbortSignal.timeout(10_000),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.detail ?? `the control plane answered ${response.status}`);
  const args = ['enrol', '--url', url, '--token', answer.token, '--data', dataPath];
  if (instance) args.push('--instance', instance);
  const { status, stdout, stderr } = spawnSync(process.execPath, [AGENT, ...args], { encoding: 'utf8', timeout: 60_000 });
  if (status !== 0) throw new Error((stderr || stdout || `the agent ended with ${status}`).trim());
  return { configPath };
}
