import { describe, expect, it } from 'vitest';
import { createVault, Sealed, type VaultKey } from './vault.ts';

const aKey = (letter: string): VaultKey => ({ id: letter.repeat(16), bytes: crypto.getRandomValues(new Uint8Array(32)) });
const CONTEXT = 'secret oidc/okta';
const SECRET = 'correct horse battery staple, and ümläuts';

describe('a vault', () => {
  it('opens what it has sealed, and what it has sealed does not show it', async () => {
    const vault = createVault(() => [aKey('a')].slice());
    const keys = [aKey('a')];
    const kept = createVault(() => keys);
    const sealed = await kept.seal(SECRET, CONTEXT);
    expect(Sealed.parse(sealed)).not.toContain('horse');
    expect(await kept.open(sealed, CONTEXT)).toBe(SECRET);
    expect(await kept.seal(SECRET, CONTEXT)).not.toBe(sealed);
    await expect(vault.open(sealed, CONTEXT)).rejects.toMatchObject({ code: 'internal' });
  });

  it('seals what is empty, too', async () => {
    const keys = [aKey('a')];
    const vault = createVault(() => keys);
    expect(await vault.open(Sealed.parse(await vault.seal('', CONTEXT)), CONTEXT)).toBe('');
  });

  it('does not open for another place what was sealed for one', async () => {
    const keys = [aKey('a')];
    const vault = createVault(() => keys);
    const sealed = await vault.seal(SECRET, CONTEXT);
    await expect(vault.open(sealed, 'secret oidc/google')).rejects.toThrow(/another place/);
  });

  it('does not open what was changed, anywhere', async () => {
    const keys = [aKey('a'), aKey('b')];
    const vault = createVault(() => keys);
    const sealed = await vault.seal(SECRET, CONTEXT);
    for (let at = sealed.lastIndexOf('.') + 1; at < sealed.length - 1; at += 7) {
      const changed = `${sealed.slice(0, at)}${sealed[at] === 'A' ? 'B' : 'A'}${sealed.slice(at + 1)}`;
      await expect(vault.open(changed, CONTEXT)).rejects.toMatchObject({ code: 'internal' });
    }
    // Under the name of the other key that is there.
    await expect(vault.open(sealed.replace('b'.repeat(16), 'a'.repeat(16)), CONTEXT)).rejects.toMatchObject({ code: 'internal' });
  });

  it('seals with its newest key, and opens with all that it has', async () => {
    const keys = [aKey('a')];
    const vault = createVault(() => keys);
    const old = await vault.seal(SECRET, CONTEXT);
    keys.push(aKey('b'));
    const fresh = await vault.seal(SECRET, CONTEXT);
    expect([vault.isCurrent(old), vault.isCurrent(fresh)]).toEqual([false, true]);
    expect([await vault.open(old, CONTEXT), await vault.open(fresh, CONTEXT)]).toEqual([SECRET, SECRET]);
    keys.shift();
    await expect(vault.open(old, CONTEXT)).rejects.toThrow(/sealed by the vault key aaaaaaaaaaaaaaaa/);
  });

  it('never says the secret when it refuses', async () => {
    const keys = [aKey('a')];
    const vault = createVault(() => keys);
    const sealed = await vault.seal(SECRET, CONTEXT);
    const thrown: unknown = await vault.open(sealed, 'elsewhere').catch((error: unknown) => error);
    expect(String(thrown instanceof Error ? `${thrown.stack}${String(thrown.cause)}` : thrown)).not.toMatch(/horse|sealed1/);
  });
});
