import type { HostView } from '@drover/shared/api/views';
import { describe, expect, it } from 'vitest';
import { statement } from './host-remove.ts';

const host = (total: number): Pick<HostView, 'name' | 'guests'> => ({ name: 'fra-1', guests: { total, running: 0 } });
const named = (...names: string[]) => names.map((name) => ({ name }));

describe('what is said before a host is removed', () => {
  it('names the guests that run, and what becomes of them', () => {
    expect(statement(host(3), named('web', 'db'), false)).toBe(
      'Host fra-1 has 3 guests. These run, and go on running there, but nobody looks after them any more: web, db. ' +
        '--stop-guests shuts them down first.\nThe control plane forgets them. Their disks stay on the machine: nothing there is deleted.\n',
    );
    expect(statement(host(1), named('web'), true)).toMatch(/has one guest\. These run, and are shut down first: web\./);
  });

  it('does not go on and on', () => {
    const many = Array.from({ length: 30 }, (_, index) => `g${index}`);
    expect(statement(host(30), named(...many), false)).toMatch(/g9 and 20 more\./);
  });

  it('has little to say where there is little', () => {
    expect(statement(host(0), [], true)).toBe('Host fra-1 has no guests.\n');
    expect(statement(host(2), [], true)).toMatch(/None of them runs\./);
  });
});
