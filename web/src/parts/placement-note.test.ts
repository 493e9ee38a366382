import { expect, it } from 'vitest';
import { GiB } from '../format.ts';
import { candidatesOf, mostMemory, placementNote } from './placement-note.ts';

type Host = Parameters<typeof mostMemory>[0][number];
type Driver = Host['drivers'][number];

const driver = (type: string, more: Partial<Driver> = {}): Driver => ({
  port: 'guest',
  name: type,
  title: type,
  usable: true,
  capabilities: { type },
  ...more,
});
const host = (name: string, more: Partial<Host> = {}): Host => ({
  name,
  connected: true,
  memoryBytes: 4 * GiB,
  drivers: [driver('container'), driver('vm')],
  ...more,
});
const slow = (name: string): Host =>
  host(name, { drivers: [driver('container'), driver('vm', { reason: 'no KVM: it is many times slower' })] });

it('says nothing where a host does it without a limit', () => {
  expect(placementNote('vm', [slow('a'), host('b')])).toBeNull();
  expect(placementNote('container', [slow('a')])).toBeNull();
  expect(placementNote('vm', [host('old', { drivers: [] })])).toBeNull();
});

it('says the limit when each of them has one', () => {
  expect(placementNote('vm', [slow('a')])).toEqual({ isBad: false, text: 'On a: no KVM: it is many times slower' });
});

it('says why when none of them can', () => {
  const broken = host('a', { drivers: [driver('vm', { usable: false, reason: 'qemu-system-x86 is not installed' })] });
  expect(placementNote('vm', [broken])).toEqual({ isBad: true, text: 'On a: qemu-system-x86 is not installed' });
  expect(placementNote('vm', [broken, slow('b')])).toEqual({ isBad: false, text: 'On b: no KVM: it is many times slower' });
});

it('says that nobody is there', () => {
  const away = host('barn', { connected: false });
  expect(candidatesOf([away], '')).toEqual([]);
  expect(placementNote('vm', candidatesOf([away], ''))).toMatchObject({ isBad: true, text: expect.stringContaining('No host') });
  expect(placementNote('vm', candidatesOf([away], 'barn'))).toMatchObject({ isBad: true, text: expect.stringContaining('barn') });
});

it('knows the most memory only when it knows all of them', () => {
  expect(mostMemory([host('a'), host('b', { memoryBytes: 8 * GiB })])).toBe(8 * GiB);
  expect(mostMemory([host('a'), host('b', { memoryBytes: null })])).toBeNull();
  expect(mostMemory([])).toBeNull();
});
