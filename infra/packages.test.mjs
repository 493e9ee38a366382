import { expect, it } from 'vitest';
import { FOR_DROVER } from '../test/lab/recipe.ts';
import { HOST_PACKAGES } from './packages.mjs';

it('a host of the lab has the packages that a host needs', () => {
  expect([...FOR_DROVER].sort()).toEqual([...Object.keys(HOST_PACKAGES), 'nodejs'].sort());
});
