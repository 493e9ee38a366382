import fc from 'fast-check';
import { expect, it } from 'vitest';
import { packetSizeCheck } from './packet-size.ts';

/** An MQTT packet of that many bytes after its fixed header. */
function packet(length: number): Uint8Array {
  const header = [0x30];
  let rest = length;
  do {
    header.push((rest % 128) | (rest >= 128 ? 0x80 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return new Uint8Array([...header, ...new Uint8Array(length).fill(0xff)]);
}

it('lets packets of the allowed size through, however they are cut, and stops at the header of a larger one', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(3_000), { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1 }),
      (lengths, cuts) => {
        const bytes = new Uint8Array(lengths.flatMap((length) => [...packet(length)]));
        const check = packetSizeCheck(2_000);
        let isFine = true;
        for (let at = 0, turn = 0; at < bytes.length && isFine; turn++) {
          const end = at + (cuts[turn % cuts.length] ?? 1);
          isFine = check(bytes.subarray(at, end));
          at = end;
        }
        expect(isFine).toBe(lengths.every((length) => length <= 2_000));
      },
    ),
  );
});

it('stops at a length that has no end', () => {
  expect(packetSizeCheck(2 ** 20)(new Uint8Array([0x30, 0x80, 0x80, 0x80, 0x80, 0x80]))).toBe(false);
});
