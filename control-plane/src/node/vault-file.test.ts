import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readSealed, writeSealed } from './sealed-file.ts';
import { openSigner } from './signing-key.ts';
import { openVaultFile } from './vault-file.ts';
import { openVaultOf, sealFilesAnew } from './vault-of-folder.ts';

let folder: string;
const at = (name: string) => join(folder, name);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'drover-vault-'));
});
afterEach(() => rmSync(folder, { recursive: true }));
const open = (isNeeded = false) => openVaultFile({ path: at('vault-keys.json'), now: () => 7, isNeeded });

describe('the keys of a vault in a file', () => {
  it('are made at the first start, for their owner alone, and are the same at the next', async () => {
    const sealed = await open().seal('secret', 'here');
    expect(statSync(at('vault-keys.json')).mode & 0o777).toBe(0o600);
    expect(await open(true).open(sealed, 'here')).toBe('secret');
  });

  it('are not taken when others can read them', () => {
    open();
    chmodSync(at('vault-keys.json'), 0o640);
    expect(() => open()).toThrow(/can be read by others/);
  });

  it('are not made anew where something is sealed already: what is missing is said', () => {
    expect(() => open(true)).toThrow(/vault-keys.json is gone/);
    expect(existsSync(at('vault-keys.json'))).toBe(false);
  });

  it('are not shown when the file is damaged', () => {
    open();
    const text = readFileSync(at('vault-keys.json'), 'utf8');
    writeFileSync(at('vault-keys.json'), text.replace('"version": 1', '"version": 2'));
    const [, key = ''] = /"key": "(.{43})"/.exec(text) ?? [];
    expect(key).toHaveLength(43);
    expect(open).toThrow(/does not hold the keys of a vault/);
    try {
      open();
    } catch (thrown) {
      expect(thrown instanceof Error ? `${thrown.stack} ${String(thrown.cause)}` : '').not.toContain(key);
    }
  });

  it('change without a moment in which something cannot be opened', async () => {
    const vault = open();
    const old = await vault.seal('secret', 'here');
    vault.addKey();
    const again = open();
    expect(await again.open(old, 'here')).toBe('secret');
    const fresh = await again.seal('secret', 'here');
    again.dropOldKeys();
    expect(await open().open(fresh, 'here')).toBe('secret');
    await expect(open().open(old, 'here')).rejects.toThrow(/which is not here/);
  });
});

describe('a sealed file', () => {
  it('holds nothing to read, and what was put in', async () => {
    const vault = open();
    await writeSealed(at('broker-secret'), 'the secret', vault);
    expect(readFileSync(at('broker-secret'), 'utf8')).toMatch(/^sealed1\.[\w.-]+\n$/);
    expect(await readSealed(at('broker-secret'), vault, (text) => text)).toBe('the secret');
    expect(await readSealed(at('none'), vault, (text) => text)).toBeNull();
  });

  it('from before files were sealed is sealed as it is read, but not when it makes no sense', async () => {
    const vault = open();
    writeFileSync(at('signing-key.json'), 'not a key', { mode: 0o600 });
    await expect(openSigner(at('signing-key.json'), () => 0, vault)).rejects.toThrow(/does not hold a signing key/);
    expect(readFileSync(at('signing-key.json'), 'utf8')).toBe('not a key');
    rmSync(at('signing-key.json'));
    const { keyId } = await openSigner(at('signing-key.json'), () => 0, vault);
    const plain = await readSealed(at('signing-key.json'), vault, (text) => text);
    writeFileSync(at('signing-key.json'), plain ?? '', { mode: 0o600 });
    expect((await openSigner(at('signing-key.json'), () => 0, vault)).keyId).toBe(keyId);
    expect(readFileSync(at('signing-key.json'), 'utf8')).toMatch(/^sealed1\./);
  });

  it('is no good in the place of another', async () => {
    const vault = open();
    await writeSealed(at('broker-secret'), 'the secret', vault);
    writeFileSync(at('signing-key.json'), readFileSync(at('broker-secret')), { mode: 0o600 });
    await expect(openSigner(at('signing-key.json'), () => 0, vault)).rejects.toThrow(/file signing-key.json cannot be opened/);
  });

  it('has the folder refuse to start without the keys, until they are back', async () => {
    const vault = openVaultOf(folder, null, () => 0);
    await openSigner(at('signing-key.json'), () => 0, vault);
    const keys = readFileSync(at('vault-keys.json'));
    rmSync(at('vault-keys.json'));
    expect(() => openVaultOf(folder, null, () => 0)).toThrow(/is gone/);
    writeFileSync(at('elsewhere.json'), keys, { mode: 0o600 });
    await sealFilesAnew(
      folder,
      openVaultOf(folder, at('elsewhere.json'), () => 0),
    );
  });

  it('is under the newest key once all are sealed anew, and holds what it held', async () => {
    const vault = openVaultOf(folder, null, () => 0);
    const { keyId } = await openSigner(at('signing-key.json'), () => 0, vault);
    vault.addKey();
    await sealFilesAnew(folder, vault);
    vault.dropOldKeys();
    expect(
      (
        await openSigner(
          at('signing-key.json'),
          () => 0,
          openVaultOf(folder, null, () => 0),
        )
      ).keyId,
    ).toBe(keyId);
  });
});
