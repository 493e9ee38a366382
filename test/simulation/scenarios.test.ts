import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { playScenario, readScenario, scenarioNames } from './scenario.ts';

const FOLDER = join(import.meta.dirname, 'scenarios');

it.each(scenarioNames())('%s: goes as it is written down', async (name) => {
  expect(existsSync(join(FOLDER, name, 'story.md')), 'its story').toBe(true);
  const { log, violation } = await playScenario(readScenario(name));
  expect(violation).toBeNull();
  // After a change that means to change it: npx vitest run --project simulation scenarios --update, and read what it did.
  await expect(`${log.join('\n')}\n`).toMatchFileSnapshot(join(FOLDER, name, 'expected.log'));
});

it('a script that nobody can carry out is not passed over', async () => {
  await expect(playScenario({ hosts: 1, controlPlanes: 1, lines: [{ atMs: 0, sentence: 'host1 takes a walk' }] })).rejects.toThrow(
    'nobody knows how to do "host1 takes a walk"',
  );
});
