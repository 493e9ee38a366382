import { describe, expect, it } from 'vitest';
import { createPasswordHashes } from './password-hash.ts';

const CHEAP = { m: 64, t: 1, p: 1 };
const cheap = createPasswordHashes(CHEAP);

describe('a hashed password', () => {
  it('is known again, and no other is', async () => {
    const hash = await cheap.hash('tractor violin lamp');
    expect(hash).toMatch(/^\$argon2id\$v=19\$m=64,t=1,p=1\$[\w+/]{22}\$[\w+/]{43}$/);
    expect(await cheap.verify('tractor violin lamp', hash)).toBe(true);
    expect(await cheap.verify('tractor violin lamq', hash)).toBe(false);
    expect(await cheap.verify('tractor violin lamp', null)).toBe(false);
    expect(await cheap.verify('tractor violin lamp', 'nonsense')).toBe(false);
  });

  it('is another each time', async () => {
    expect(await cheap.hash('tractor violin lamp')).not.toBe(await cheap.hash('tractor violin lamp'));
  });

  it('does not depend on how a keyboard composes letters', async () => {
    expect(await cheap.verify('u\u0308bermut und k\u00fche', await cheap.hash('\u00fcbermut und ku\u0308he'))).toBe(true);
  });

  it('agrees with the reference implementation', async () => {
    // argon2 -id -t 2 -k 65536 -p 1 -l 32, of the RFC authors' own test file: "password" with "somesalt".
    const reference = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';
    expect(await cheap.verify('password', reference)).toBe(true);
  });

  it('is made anew when the price of a guess has changed, and counts until then', async () => {
    const dearer = createPasswordHashes({ ...CHEAP, t: 2 });
    const hash = await cheap.hash('tractor violin lamp');
    expect([dearer.isOutdated(hash), cheap.isOutdated(hash)]).toEqual([true, false]);
    expect(await dearer.verify('tractor violin lamp', hash)).toBe(true);
  });

  it('is not computed for more people at once than the machine bears', async () => {
    const asked = Array.from({ length: 40 }, () => cheap.verify('x', null).catch((thrown: unknown) => thrown));
    const refused = (await Promise.all(asked)).filter((answer) => answer !== false);
    expect(refused.length).toBe(22);
    expect(refused[0]).toMatchObject({ code: 'too-many-requests', retryable: true });
  });
});
