import { join } from 'node:path';
import { onTestFailed } from 'vitest';
import type { Lab } from './lab.ts';

/** Said at the begin of a test: should it fail, what the hosts say and show is kept in test-results. */
export function collectOnFailure(lab: Lab): void {
  onTestFailed(async ({ task }) => {
    const folder = join(import.meta.dirname, '../../test-results/lab', task.name.replaceAll(/[^a-z0-9]+/gi, '-').slice(0, 80));
    await lab.collect(folder);
    console.error(`what the hosts of the lab say and show: ${folder}`);
  });
}
