import { expect, it } from 'vitest';
import { sealingKeyOf } from './sealing-key.ts';

it('the sealing key follows from the host’s own key alone: the same for the same, for ever', () => {
  expect(sealingKeyOf('nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A')).toBe('0YukJ_nZJag-p6nIM4IFaLPRO92h_6lPdi2WQk9sLGc');
  expect(sealingKeyOf('mWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A')).not.toBe('0YukJ_nZJag-p6nIM4IFaLPRO92h_6lPdi2WQk9sLGc');
});
