import { createHash } from 'node:crypto';
import { readFileSync, realpathSync } from 'node:fs';
import type { AgentRelease } from '@drover/shared/model/task';

export interface UpgradeOrder {
  readonly taskId: string;
  readonly release: AgentRelease;
  /** Guests that run: the new agent must see them do so before it does anything. */
  readonly running: readonly number[];
}

/** The build of a program: told apart by its text, whatever version it says it is. */
export const buildOf = (program: string): string => createHash('sha256').update(readFileSync(program)).digest('hex').slice(0, 12);

/** The program that runs here. */
export const ownProgram = (): string => realpathSync(process.argv[1] ?? '');
