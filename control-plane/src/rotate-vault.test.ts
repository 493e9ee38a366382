import { beforeEach, describe, expect, it } from 'vitest';
import { openStore } from './db/open.ts';
import { SEALED_PLACES } from './db/sealed-places.ts';
import type { Store } from './db/store.ts';
import { type RotatableVault, rotateVault } from './rotate-vault.ts';
import { createVault, type VaultKey } from './vault.ts';

/** The keys are what would lie in a file: they outlive a process that ends half-way. */
let keys: VaultKey[];
let store: Store;
const newKey = (): VaultKey => ({ id: String(keys.length).repeat(16), bytes: crypto.getRandomValues(new Uint8Array(32)) });
const vaultOf = (): RotatableVault => ({
  ...createVault(() => keys),
  addKey: () => void keys.push(newKey()),
  dropOldKeys: () => void keys.splice(0, keys.length - 1),
  keyIds: () => keys.map(({ id }) => id),
});
const sealFilesAnew = async () => {};
const { context } = SEALED_PLACES.totpSeed;
const keep = async (id: string, sealed: string) =>
  store.identity.write([
    { sql: 'INSERT INTO totp (user_id, seed, begun_at_ms, last_step, wrong) VALUES (?, ?, 0, 0, 0)', args: [id, sealed] },
  ]);
const kept = async () =>
  Promise.all((await store.sealed.all()).map(async ({ id, sealed }) => [id, await vaultOf().open(sealed, context(id))] as const));
const IDS = ['user_1', 'user_2', 'user_3'];

beforeEach(async () => {
  keys = [];
  keys.push(newKey());
  store = await openStore(':memory:', () => 0);
  for (const id of IDS) await keep(id, await vaultOf().seal(`the seed of ${id}`, context(id)));
  return () => store.close();
});

describe('changing the key of the vault', () => {
  it('leaves every secret as it was, and none under the key before', async () => {
    const [before] = keys;
    expect(await rotateVault({ vault: vaultOf(), values: store.sealed, sealFilesAnew })).toBe(3);
    expect(keys).not.toContain(before);
    expect(keys).toHaveLength(1);
    expect(await kept()).toEqual(IDS.map((id) => [id, `the seed of ${id}`]));
    expect(await store.sealed.columnsUnder(before?.id ?? '')).toEqual([]);
  });

  it.each([0, 1, 2, 3])('that is cut short after %i secrets loses none, and is completed by the next try', async (after) => {
    let done = 0;
    const values = {
      ...store.sealed,
      async replace(...[value, next]: Parameters<typeof store.sealed.replace>) {
        if (done === after) throw new Error('the power was cut');
        done += 1;
        return store.sealed.replace(value, next);
      },
      async columnsUnder(keyId: string) {
        if (after === 3) throw new Error('the power was cut');
        return store.sealed.columnsUnder(keyId);
      },
    };
    await expect(rotateVault({ vault: vaultOf(), values, sealFilesAnew })).rejects.toThrow('the power was cut');
    expect(keys).toHaveLength(2);
    expect(await kept()).toEqual(IDS.map((id) => [id, `the seed of ${id}`]));
    expect(await rotateVault({ vault: vaultOf(), values: store.sealed, sealFilesAnew })).toBe(3 - after);
    expect(keys).toHaveLength(1);
    expect(await kept()).toEqual(IDS.map((id) => [id, `the seed of ${id}`]));
  });

  it('keeps the key before as long as anything at all is under it, also what nobody has listed', async () => {
    const sealed = await vaultOf().seal('secret', 'somewhere');
    await store.identity.write([{ sql: 'INSERT INTO identity_setting (name, value) VALUES (?, ?)', args: ['new', `{"key":"${sealed}"}`] }]);
    await expect(rotateVault({ vault: vaultOf(), values: store.sealed, sealFilesAnew })).rejects.toMatchObject({
      code: 'in-use',
      message: expect.stringContaining('identity_setting.value'),
    });
    expect(await vaultOf().open(sealed, 'somewhere')).toBe('secret');
  });

  it('does not write over what somebody has sealed meanwhile', async () => {
    const [value] = await store.sealed.all();
    if (!value) throw new Error('there is nothing');
    const next = await vaultOf().seal('newer', value.context);
    expect(await store.sealed.replace(value, next)).toBe(true);
    expect(await store.sealed.replace(value, next)).toBe(false);
  });

  it('stops at a secret that was moved to another row, and keeps the key', async () => {
    const [value] = await store.sealed.all();
    await keep('user_4', value?.sealed ?? '');
    await expect(rotateVault({ vault: vaultOf(), values: store.sealed, sealFilesAnew })).rejects.toThrow(/totp\/user_4 cannot be opened/);
    expect(keys).toHaveLength(2);
  });
});
