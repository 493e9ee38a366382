import { join } from 'node:path';
import type { TestContext } from 'vitest';
import type { Lab } from './lab.ts';

/** For beforeEach: should the test fail, what the hosts say and show is kept in test-results. */
export function collectOnFailure(lab: Lab, { task, onTestFailed }: TestContext): void {
  onTestFailed(async () => {
    const folder = join(import.meta.dirname, '../../test-results/lab', task.name.replaceAll(/[^a-z0-9]+/gi, '-').slice(0, 80));
    await lab.collect(folder);
    console.error(`what the hosts of the lab say and show: ${folder}`);
  });
}
