import { expect, it } from 'vitest';
import { grantsShift, shifted } from './shifted.ts';

it.each([
  ['root:100000:65536\n', true],
  ['somebody:100000:65536\nroot:100000:200000\n', true],
  ['0:0:4294967295', true],
  ['somebody:100000:65536\n', false],
  ['root:100001:65536\n', false],
  ['root:100000:1000\n', false],
  ['', false],
])('knows whether root may hand out the shifted ids: %j', (text, answer) => {
  expect(grantsShift(text)).toBe(answer);
});

it('runs a program as root of a guest, tied to the life of the agent on both sides', () => {
  const [program, args] = shifted('tar', ['-xf', '-']);
  expect([program, ...args].join(' ')).toBe(
    'setpriv --pdeathsig KILL -- lxc-usernsexec -m u:0:100000:65536 -m g:0:100000:65536 -- setpriv --pdeathsig KILL -- tar -xf -',
  );
});
