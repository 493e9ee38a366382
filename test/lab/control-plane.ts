import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Problem } from '@drover/shared/lib/problem';
import { run } from '../../agent/src/host/shell.ts';
import { isSupervisedAlive, lastLines, type Supervised, supervise } from '../../agent/src/host/supervise.ts';
import type { Say } from './say.ts';
import { until } from './until.ts';

const ROOT = join(import.meta.dirname, '../..');
const PORT = 8420;

/** Drover's control plane as it is in this clone, on this machine's address in the lab, where its hosts and people here reach it. */
export async function startControlPlane(
  folder: string,
  address: string,
  say: Say,
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly process: Supervised; readonly url: string }> {
  say('building and starting the control plane …');
  await run(process.execPath, [join(ROOT, 'infra/build.mjs'), 'control-plane', 'web', 'agent']);
  const logPath = join(folder, 'control-plane.log');
  // Another one may have run here before.
  const saidBefore = existsSync(logPath) ? readFileSync(logPath, 'utf8').length : 0;
  const dataPath = join(folder, 'drover');
  mkdirSync(dataPath, { recursive: true, mode: 0o711 });
  const plane = await supervise(process.execPath, [join(ROOT, 'control-plane/dist/main.js')], {
    unit: `drover-lab-control-plane-${address.replaceAll('.', '-')}`,
    slice: 'drover-lab.slice',
    description: `Drover's control plane of a lab`,
    logPath,
    env: { DROVER_DATA: dataPath, DROVER_PORT: String(PORT), DROVER_LISTEN: address, ...env },
  });
  await until('the control plane listens', 60_000, () => {
    if (!isSupervisedAlive(plane)) throw new Problem('host-failed', `the control plane ended${lastLines(logPath)}`);
    return existsSync(logPath) && /control plane is at/.test(readFileSync(logPath, 'utf8').slice(saidBefore));
  });
  return { process: plane, url: `http://${address}:${PORT}` };
}
