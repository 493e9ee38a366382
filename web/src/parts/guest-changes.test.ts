import { EditGuest } from '@drover/shared/api/requests';
import { expect, it } from 'vitest';
import { GiB, MiB } from '../format.ts';
import { editOf, formOf, rebased } from './guest-changes.ts';

const boot = { startAtBoot: false, startOrder: null, startDelayS: 0, shutdownTimeoutS: 180 };
const guest = { name: 'db', memoryBytes: 2 * GiB, cores: 2, tags: ['prod'], notes: '', ...boot };
const base = formOf(guest);

it('an untouched form changes nothing', () => {
  expect(editOf(base, base)).toEqual({ edit: {}, faults: {} });
});

it('only what was changed is sent', () => {
  const { edit, faults } = editOf(base, { ...base, memory: '512 MiB', tags: 'prod,db', startAtBoot: true });
  expect(edit).toEqual({ memoryBytes: 512 * MiB, tags: ['prod', 'db'], startAtBoot: true });
  expect(faults).toEqual({});
  expect(EditGuest.safeParse(edit).success).toBe(true);
});

it('how it starts and ends with its host is sent as numbers; no order is none', () => {
  const ordered = editOf(base, { ...base, startOrder: '1', startDelay: '10', shutdownTimeout: '120' });
  expect(ordered).toEqual({ edit: { startOrder: 1, startDelayS: 10, shutdownTimeoutS: 120 }, faults: {} });
  const was = formOf({ ...guest, startOrder: 1 });
  expect(editOf(was, { ...was, startOrder: '' }).edit).toEqual({ startOrder: null });
  expect(Object.keys(editOf(base, { ...base, startOrder: 'first', startDelay: '', shutdownTimeout: '3601' }).faults)).toEqual([
    'startOrder',
    'startDelayS',
    'shutdownTimeoutS',
  ]);
});

it('what cannot be read is named and not sent', () => {
  const { edit, faults } = editOf(base, { ...base, memory: 'more', cores: 'two' });
  expect(edit).toEqual({});
  expect(Object.keys(faults)).toEqual(['memoryBytes', 'cores']);
});

it("somebody else's changes come in under mine", () => {
  const mine = { ...base, cores: '8' };
  const theirs = formOf({ ...guest, name: 'database', cores: 4 });
  expect(rebased(base, mine, theirs)).toEqual({ ...theirs, cores: '8' });
});
