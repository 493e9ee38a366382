import { expect, it } from 'vitest';
import { controlOf } from './repack.ts';

it('makes a control file of the record of an installed package', () => {
  const record = [
    'Package: drover-agent',
    'Status: install ok installed',
    'Version: 0.1.0+abcdefabcdef',
    'Conffiles:',
    ' /etc/drover.conf 0123456789abcdef',
    'Description: runs virtual machines',
    ' The agent dials out.',
    '',
  ].join('\n');
  expect(controlOf(record)).toBe(
    'Package: drover-agent\nVersion: 0.1.0+abcdefabcdef\nDescription: runs virtual machines\n The agent dials out.\n',
  );
});
