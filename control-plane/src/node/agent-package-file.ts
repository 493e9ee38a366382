import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AgentRelease } from '@drover/shared/model/task';
import { z } from 'zod';
import type { AgentPackageFile } from '../http/deps.ts';

const About = z.strictObject({ name: z.string().regex(/^drover-agent_[\w.+~-]+_all\.deb$/), ...AgentRelease.shape });

/** The package that the build left in `folder`; null: it left none. */
export function agentPackageFile(folder: string): AgentPackageFile | null {
  const path = join(folder, 'drover-agent.json');
  if (!existsSync(path)) return null;
  const about = About.parse(JSON.parse(readFileSync(path, 'utf8')));
  return { about, bytes: () => readFile(join(folder, about.name)) };
}
