import { describe, expect, it } from 'vitest';
import { guestNamed, isWithin, layoutOf, openedPath, PlainPath } from './directory-layout.ts';

describe('the path of a storage', () => {
  it.each(['/var/lib/drover', '/srv/a_b/c.d-e', '/x'])('may be %s', (path) => {
    expect(PlainPath.safeParse(path).success).toBe(true);
  });

  it.each([
    'relative',
    '/',
    '/a/',
    '/a//b',
    '/a/../b',
    '/a/./b',
    '/a/-b',
    '/a,b',
    '/a:b',
    '/a b',
    '/a\nb',
    '/a"b',
    '/ä',
    '',
    `/${'x'.repeat(250)}`,
  ])('may not be %j', (path) => {
    expect(PlainPath.safeParse(path).success).toBe(false);
  });

  it('lies in a folder that the host allows, not just beside one with the same beginning', () => {
    expect(isWithin('/srv/a', ['/srv/a/'])).toBe(true);
    expect(isWithin('/srv/a/b', ['/srv/a'])).toBe(true);
    expect(isWithin('/srv/ab', ['/srv/a'])).toBe(false);
    expect(() => openedPath({ path: '/etc' }, ['/srv'])).toThrow(expect.objectContaining({ code: 'not-allowed', field: 'config.path' }));
  });
});

it('an id never leaves its folder', () => {
  const layout = layoutOf('/s');
  for (const bad of ['../../etc', 'image_..', 'image_a/b', '.', '', 'image_abcdefgh\n']) {
    expect(() => layout.image(bad)).toThrow();
    expect(() => layout.stagingOf(bad)).toThrow();
    expect(() => layout.disk(100, bad)).toThrow();
  }
  for (const bad of [99, 1e9, -1, 100.5]) expect(() => layout.guest(bad)).toThrow();
  expect(layout.disk(107, 'root').rootfs).toBe('/s/guests/107/disks/root/rootfs');
});

describe('a name among the guests of a storage', () => {
  const layout = layoutOf('/s');
  it('is that of a guest, also while its folder is being removed', () => {
    expect(guestNamed('107')).toEqual({ id: 107, isGoing: false });
    expect(guestNamed(layout.guestGone(107).slice('/s/guests/'.length))).toEqual({ id: 107, isGoing: true });
  });

  it.each(['', '7', '0107', '.107', '.107.new', '107.gone', '.0107.gone', 'lost+found', '10000000'])('%j is nobody’s', (name) => {
    expect(guestNamed(name)).toBeNull();
  });
});
