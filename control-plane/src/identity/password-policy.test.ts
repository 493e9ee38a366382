import { describe, expect, it } from 'vitest';
import { checkPassword } from './password-policy.ts';

const says = (password: string, name = 'anna'): string => {
  try {
    checkPassword(password, name);
    return 'good';
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : 'thrown';
  }
};

describe('a password', () => {
  it('needs twelve characters, of which a letter outside the alphabet is one', () => {
    expect(says('kurzeswort')).toContain('at least 12');
    expect(says('🐑🐄🐖🐓🐎🐐🦆🐕🐈🐇🦃')).toContain('this one has 11');
    expect(says('🐑🐄🐖🐓🐎🐐🦆🐕🐈🐇🦃🐝')).toBe('good');
  });

  it.each(['glibbet umrah fosk', 'tractor violin 9 lamp', 'aV9$kq-27Lmx', 'x'.repeat(3) + 'quibble-sprocket'.repeat(12), '839104772615'])(
    '%s is good, without rules on what to mix',
    (password) => {
      expect(says(password)).toBe('good');
    },
  );

  it.each([
    'password1234',
    'Password123!',
    'P@ssw0rd2026!!',
    'passwordpassword',
    'letmein-letmein',
    'qwerty123456',
    'Welcome2026!!',
    'admin-admin-admin',
    'Summer2026!!!',
    'iloveyou12345',
    'correcthorsebatterystaple',
    'changeme-2026',
  ])('%s is among the first that anybody tries', (password) => {
    expect(says(password)).not.toBe('good');
  });

  it.each(['aaaaaaaaaaaa', '121212121212', '123456789012', '098765432109', 'qwertyuiop12', 'abcdefghijkl', 'asdfghjklqwe'])(
    '%s is a row, not a password',
    (password) => {
      expect(says(password)).not.toBe('good');
    },
  );

  it('is more than the name of its user', () => {
    expect(says('Annabella-2026', 'annabella')).toContain('name of its user');
    expect(says('annabella rides a teal tractor', 'annabella')).toBe('good');
  });

  it('may be long, and is not a book', () => {
    expect(says('glibbet umrah fosk '.repeat(50))).toBe('good');
    expect(says('glibbet umrah fosk '.repeat(60))).toContain('at most');
  });
});
