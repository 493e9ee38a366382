import { describe, expect, it } from 'vitest';
import { aCandidate, aHost, anAsk, aStorage, refusalOf } from '../../../test/control-plane/held.ts';
import { createImage } from './fabric.ts';

const here = aCandidate({ images: [] });
const away = aCandidate({ images: [], host: aHost({ name: 'h2', connected: false }) });
const wanted = { name: 'debian-13', form: 'vm' } as const;
const hostOf = (candidates: readonly (typeof here)[], host?: string) =>
  createImage({ candidates }, { ...wanted, host }, anAsk()).change.wishes?.[0]?.hostId;

describe('a new image', () => {
  it('goes to a host that is there, unless another one is named', () => {
    expect(hostOf([away, here])).toBe(here.host.id);
    expect(hostOf([away], 'h2')).toBe(away.host.id);
  });

  const refusals: [string, (typeof here)[], string | undefined, RegExp][] = [
    ['there is no host', [], undefined, /no host yet/],
    ['none is there', [away], undefined, /h2: it is away/],
    ['the one that was named is cut off', [{ ...away, host: aHost({ revokedAtMs: 1 }) }], 'h1', /cut off/],
    [
      'the only storage is being deleted',
      [{ ...here, storages: [aStorage({ deletion: { requestedAtMs: 1, destroys: [] } })] }],
      'h1',
      /no storage/,
    ],
  ];
  for (const [when, candidates, host, text] of refusals) {
    it(`is refused while ${when}`, () => {
      expect(refusalOf(() => hostOf(candidates, host))).toMatchObject({ code: 'no-host', text: expect.stringMatching(text) });
    });
  }
});
