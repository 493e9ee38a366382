import { expect, test } from 'vitest';
import { fingerprintOfKey, hostIdOfKey } from './host-key.ts';

const key = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' } as const;

test('a host id is a pure function of its key, and another key is another host', () => {
  expect(hostIdOfKey(key)).toBe(hostIdOfKey({ ...key }));
  expect(hostIdOfKey(key)).toMatch(/^host_[0-9a-f]{20}$/);
  expect(hostIdOfKey({ ...key, x: `2${key.x.slice(1)}` })).not.toBe(hostIdOfKey(key));
});

test('a fingerprint is sixteen groups of four hex digits that begin as the host id does', () => {
  expect(fingerprintOfKey(key)).toMatch(/^([0-9a-f]{4} ){15}[0-9a-f]{4}$/);
  expect(hostIdOfKey(key)).toBe(`host_${fingerprintOfKey(key).replaceAll(' ', '').slice(0, 20)}`);
});
