import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { joinAs, planeOf, runContainer, runMachine } from '../joining.ts';
import { Lab } from '../lab.ts';
import { collectOnFailure } from '../on-failure.ts';

/** The main path on Debian 12. All else is tried on Debian 13, one folder up. */

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.up({
    name: 'joining-12',
    release: 'bookworm',
    hosts: 1,
    controlPlane: true,
    say: (line) => console.error(`lab: ${line}`),
  });
});
afterAll(() => lab?.down());
beforeEach((context) => collectOnFailure(lab, context));

it('a plain Debian 12 becomes a host by the line, and runs guests', async () => {
  const plane = planeOf(lab);
  const joined = await joinAs(plane, lab.host(1), 'ber-1');
  expect(joined.os).toMatch(/Debian.*12/);
  await runContainer(plane, lab.host(1), joined, 'one');
  await runMachine(plane, joined, 'machine');
});
