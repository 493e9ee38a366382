import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { agentPackage } from '../../infra/package/agent-package.mjs';

/** Packages of other agents than the one of this clone, for a control plane to hand out. */

const ROOT = join(import.meta.dirname, '../..');
const ours = (): string => readFileSync(join(ROOT, 'agent/dist/agent.js'), 'utf8');

export interface OtherRelease {
  /** For DROVER_AGENT_PACKAGE. */
  readonly folder: string;
  readonly build: string;
}

function write(folder: string, script: string, version: string, change = (bytes: Buffer) => bytes): OtherRelease {
  const { name, bytes, ...about } = agentPackage({ script: Buffer.from(script), version, timeS: 0 });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), change(bytes));
  writeFileSync(join(folder, 'drover-agent.json'), JSON.stringify({ name, ...about, sizeBytes: bytes.length }));
  return { folder, build: about.build };
}

/** This clone's agent, but for a word that changes nothing. */
export const anotherBuild = (folder: string, word: string): OtherRelease => write(folder, `${ours()}\n// ${word}\n`, '0.1.1');
/** One that ends as soon as it is started. */
export const brokenAgent = (folder: string): OtherRelease => write(folder, 'throw new Error("this agent is broken");\n', '0.1.2');
/** One that starts, and never says a word. */
export const silentAgent = (folder: string): OtherRelease => write(folder, 'setInterval(() => {}, 60_000);\n', '0.1.3');
/** Announced as it was made; what is handed out is another. */
export const tamperedBuild = (folder: string): OtherRelease =>
  write(folder, `${ours()}\n// tampered with\n`, '0.1.4', (bytes) => {
    const other = Buffer.from(bytes);
    other.writeUInt8(other.readUInt8(other.length - 20) ^ 1, other.length - 20);
    return other;
  });
