import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, digest, isSameJson } from './digest.ts';

const anything = () =>
  fc.anything({
    withNullPrototype: true,
    maxDepth: 4,
    values: [fc.string(), fc.integer(), fc.boolean(), fc.constant(null), fc.constant(undefined)],
  });
/** The same members in another order, with some that are undefined. */
function shuffled(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shuffled);
  if (typeof value !== 'object' || value === null) return value;
  const made = Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, member]) => [name, shuffled(member)]),
  );
  return { ...made, 'never said': undefined };
}

describe('canonical JSON', () => {
  it('is JSON, and says what JSON.stringify says', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('and the digest are the same in whatever order members were named, and whatever is undefined', () => {
    fc.assert(
      fc.property(anything(), (value) => {
        expect(canonicalJson(shuffled(value))).toBe(canonicalJson(value));
        expect(digest(shuffled(value))).toBe(digest(value));
      }),
    );
  });

  it('knows no member that its prototype has', () => {
    expect(canonicalJson({ constructor: 1, __proto__: { a: 1 } })).toBe('{"constructor":1}');
    expect(isSameJson({ constructor: Object }, {})).toBe(false);
  });

  it('stays as it is: digests lie on disks and go over the wire', () => {
    expect(digest({ b: [1, 'é', null, { z: true, a: undefined }], a: 0.5 })).toBe('00068dbbd1d9fe89eea69bfa8b60a881');
  });
});

it('two values are the same JSON exactly when their canonical JSON is the same', () => {
  fc.assert(
    fc.property(anything(), anything(), (a, b) => {
      expect(isSameJson(a, shuffled(a))).toBe(true);
      expect(isSameJson(a, b)).toBe(canonicalJson(a) === canonicalJson(b));
    }),
    { numRuns: 1_000 },
  );
});
