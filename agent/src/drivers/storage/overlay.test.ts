import { expect, it } from 'vitest';
import { overlayOptions, parseMountinfo } from './overlay.ts';

it('reads mount points with spaces, optional fields and any order', () => {
  const text = [
    '22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw',
    '88 22 0:51 / /srv/with\\040space rw shared:5 master:1 - overlay drover rw,lowerdir=/a',
    'nonsense',
    '',
  ].join('\n');
  expect(parseMountinfo(text)).toEqual([
    { target: '/', type: 'ext4' },
    { target: '/srv/with space', type: 'overlay' },
  ]);
});

it('mounts a guest’s layer without device nodes, and so that folders of the image can be renamed', () => {
  const overlay = { lower: '/s/l', upper: '/s/u', work: '/s/w', target: '/s/t', devices: false };
  expect(overlayOptions(overlay)).toBe('nodev,lowerdir=/s/l,upperdir=/s/u,workdir=/s/w,redirect_dir=on,metacopy=off,index=off');
});
