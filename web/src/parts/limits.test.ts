import { CreateGuest } from '@drover/shared/api/requests';
import { expect, it } from 'vitest';
import { LIMITS, readAmount, readCores } from './limits.ts';

it.each(Object.entries(LIMITS))('the page and the control plane agree on the limits of %s', (field, { least, most }) => {
  const takes = (value: number): boolean => CreateGuest.safeParse({ type: 'vm', name: 'x', [field]: value }).success;
  expect([least - 1, least, most, most + 1].map(takes)).toEqual([false, true, true, false]);
});

it('what is outside is said in the words of the form', () => {
  expect(readAmount('memoryBytes', '1 MiB')).toEqual({ fault: 'At least 16 MiB' });
  expect(readAmount('diskBytes', '100 TiB')).toEqual({ fault: 'At most 64 TiB' });
  expect(readCores('0')).toEqual({ fault: 'At least 1' });
  expect(readCores('513')).toEqual({ fault: 'At most 512' });
  expect(readCores(' 4 ')).toEqual({ value: 4 });
});
