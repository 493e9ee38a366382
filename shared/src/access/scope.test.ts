import { describe, expect, it } from 'vitest';
import { DroverScope, isAtOrBelow, isDirectlyBelow, levelsOf, ScopePath } from './scope.ts';

describe('a path', () => {
  it.each(['/', '/vms', '/vms/107', '/a/b/c/d/e/f', '/access/users/alice@pve', '/tag/größe'])('%s is one', (path) =>
    expect(ScopePath.safeParse(path).success).toBe(true),
  );
  it.each(['', 'vms', '/vms/', '//', '/a//b', '/a b', '/a\n', '/a\u0000', `/${'a'.repeat(500)}`])('%j is none', (path) =>
    expect(ScopePath.safeParse(path).success).toBe(false),
  );
});

describe('a scope of Drover', () => {
  it.each([
    [
      '/',
      '/vms',
      '/vms/107',
      '/pool',
      '/pool/a',
      '/pool/a/b',
      '/pool/a/b/c',
      '/tag/web',
      '/nodes/host_abc',
      '/storage',
      '/network/network_x',
    ],
    ['/access', '/access/users', '/access/groups/ops', '/access/roles', '/access/directories/ldap', '/access/users/alice@pve'],
  ])('%s and its like are', (...paths) => expect(paths.filter((path) => !DroverScope.safeParse(path).success)).toEqual([]));
  it.each([['/vm', '/vms/web', '/vms/99', '/vms/107/disk', '/pool/a/b/c/d', '/tag/a/b', '/access/tokens', '/vms/0107']])(
    '%s and its like are not',
    (...paths) => expect(paths.filter((path) => DroverScope.safeParse(path).success)).toEqual([]),
  );
});

it('levels go from the root to the path itself', () => {
  expect(levelsOf('/')).toEqual(['/']);
  expect(levelsOf('/vms')).toEqual(['/', '/vms']);
  expect(levelsOf('/pool/a/b')).toEqual(['/', '/pool', '/pool/a', '/pool/a/b']);
});

it('a name that begins like another is not below it', () => {
  expect([
    isAtOrBelow('/vms/10', '/vms/1'),
    isAtOrBelow('/vms/1', '/vms/1'),
    isAtOrBelow('/vms/1/a', '/vms/1'),
    isAtOrBelow('/x', '/'),
  ]).toEqual([false, true, true, true]);
  expect([
    isDirectlyBelow('/vms/1', '/vms'),
    isDirectlyBelow('/vmsx/1', '/vms'),
    isDirectlyBelow('/vms/1/a', '/vms'),
    isDirectlyBelow('/a', '/'),
  ]).toEqual([true, false, false, true]);
  expect(isDirectlyBelow('/', '/')).toBe(false);
});
