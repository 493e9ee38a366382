import { describe } from 'vitest';
import { describeGuestDriver } from './guest-driver.ts';
import { createLxcWorld } from './lxc-world.ts';
import { canMakeTinyRootfs } from './tiny-container.ts';

describe.skipIf(!canMakeTinyRootfs())('lxc', () => {
  describeGuestDriver('lxc', {
    create: () => createLxcWorld(4_000_201, 'tl'),
    powerOff: ['poweroff', '-f'],
    memoryChange: 'at-once',
    consolePrompt: '',
    separateConsoles: true,
  });
});
