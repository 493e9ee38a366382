import { expect, it } from 'vitest';
import { qcow2Arguments } from './directory-disks.ts';

it('makes a VM’s disk a clone that names its image and how to read it', () => {
  expect(qcow2Arguments('/s/d.qcow2', 2 ** 30, ['/s/i.qcow2']).join(' ')).toBe(
    'create -q -f qcow2 -b /s/i.qcow2 -F qcow2 -- /s/d.qcow2 1073741824',
  );
  expect(qcow2Arguments('/s/d.qcow2', 2 ** 30, []).join(' ')).toBe('create -q -f qcow2 -- /s/d.qcow2 1073741824');
});
