import { expect, it } from 'vitest';
import { createSimulatedDisk, emptyDisk } from '../../test/simulation/disk.ts';
import { realLife } from '../../test/simulation/life.ts';
import { createChoices } from './choices.ts';

const PATH = '/choices.json';
const open = (disk = createSimulatedDisk(emptyDisk(), realLife), said: string[] = []) => ({
  disk,
  said,
  choices: createChoices(disk, PATH, (line) => said.push(line)),
});

it('what was chosen holds over restarts of the agent', () => {
  const { disk, choices } = open();
  choices.pause('a disk is being replaced', 5);
  choices.choosePower('107', { power: 'off', powerRequest: 3 }, 7);
  const later = open(disk).choices;
  expect(later.paused()).toEqual({ reason: 'a disk is being replaced', sinceMs: 5 });
  expect(later.powerOf('107')).toEqual({ power: 'off', powerRequest: 3, number: 7, atMs: 7 });
  later.resume();
  expect(open(disk).choices.paused()).toBeNull();
});

it('no two requests bear the same number, also when the clock was set back', () => {
  const { choices } = open();
  choices.choosePower('107', { power: 'off', powerRequest: 3 }, 1_000);
  choices.choosePower('107', { power: 'running', powerRequest: 3 }, 500);
  expect(choices.powerOf('107')?.number).toBe(1_001);
});

it('forgets what counts no more', () => {
  const { choices } = open();
  choices.choosePower('107', { power: 'off', powerRequest: 3 }, 1);
  choices.choosePower('108', { power: 'off', powerRequest: 3 }, 2);
  choices.trim((guestId) => guestId === '108');
  expect([choices.powerOf('107'), choices.powerOf('108')?.power]).toEqual([null, 'off']);
});

it('a damaged file is set aside, and said to be', () => {
  const { disk, said } = open();
  disk.writeAtomically(PATH, '{"paused":');
  expect(open(disk, said).choices.paused()).toBeNull();
  expect(said).toMatchObject([expect.stringMatching(/damaged/)]);
  expect(disk.read(`${PATH}.damaged`)).toBe('{"paused":');
});
