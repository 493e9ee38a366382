import { generateKeyPairSync } from 'node:crypto';
import { HostId } from '@drover/shared/model/id';
import { SealedForHost } from '@drover/shared/protocol/sealed';
import { beforeEach, describe, expect, it } from 'vitest';
// The other end of it, which only tests may see from here.
import { openSealed, sealingKeyOf } from '../../agent/src/sealing-key.ts';
import { type AppWorld, createAppWorld } from '../../test/control-plane/app-world.ts';
import { sealForHost } from './host-sealing.ts';

const newKey = (): string => String(generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }).d);
const OTHER = HostId.parse('host_aaaaaaaaaaaaaaaaaaaa');
const CONTEXT = 'guest 107 userData';
const TEXT = '#cloud-config\npassword: hunter2';

let world: AppWorld;
let d: string;
const seal = (context = CONTEXT, text = TEXT) => sealForHost(world.store.sealingKeys, world.hostId, text, context);
const open = (sealed: string, { key = d, host = world.hostId, context = CONTEXT } = {}) => openSealed(sealed, key, { host, context });
beforeEach(async () => {
  world = await createAppWorld();
  d = newKey();
  await world.store.sealingKeys.learnSealingKey(world.hostId, sealingKeyOf(d));
  return () => world.close();
});

describe('what is sealed for a host', () => {
  it.each([TEXT, '', 'ü'.repeat(16_384)])('is opened by that host, and shows nothing on its way', async (text) => {
    const sealed = await seal(CONTEXT, text);
    expect(SealedForHost.parse(sealed)).not.toContain(Buffer.from('hunter2').toString('base64url').slice(0, 8));
    expect(await open(sealed)).toBe(text);
  });

  it('is not opened by another host', async () => {
    await expect(open(await seal(), { key: newKey() })).rejects.toMatchObject({ code: 'not-allowed' });
    // One that has got hold of the key is not the one that it is meant for either.
    await expect(open(await seal(), { host: OTHER })).rejects.toThrow(/was sent for guest 107 userData of host_aaaa/);
  });

  it('is not taken for another place', async () => {
    await expect(open(await seal('guest 108 userData'))).rejects.toThrow(/a secret for guest 108 userData/);
  });

  it('is not opened when it was changed, in whichever part', async () => {
    const sealed = await seal();
    for (let at = 0; at < sealed.length; at += 5) {
      // The last letter of a part has bits that stand for nothing.
      if (sealed[at] === '.' || (sealed[at + 1] ?? '.') === '.') continue;
      const changed = `${sealed.slice(0, at)}${sealed[at] === 'A' ? 'B' : 'A'}${sealed.slice(at + 1)}`;
      await expect(open(changed), `at ${at}`).rejects.toMatchObject({ code: 'not-allowed' });
    }
  });

  it('is not opened with the key of another algorithm, or without one', async () => {
    const header = (over: object) =>
      Buffer.from(JSON.stringify({ alg: 'dir', enc: 'A256GCM', typ: 'drover-sealed', host: world.hostId, context: CONTEXT, ...over }));
    const [, ...rest] = (await seal()).split('.');
    await expect(open([header({}).toString('base64url'), ...rest].join('.'))).rejects.toMatchObject({ code: 'not-allowed' });
  });

  it('is never said when it is refused', async () => {
    const thrown: unknown = await open(await seal(), { context: 'elsewhere' }).catch((error: unknown) => error);
    expect(thrown instanceof Error ? `${thrown.stack} ${String(thrown.cause)}` : '').not.toContain('hunter2');
  });

  it('is sealed to the newest key that the host has told, and not at all to a host that has told none', async () => {
    const next = newKey();
    await world.store.sealingKeys.learnSealingKey(world.hostId, sealingKeyOf(next));
    expect(await open(await seal(), { key: next })).toBe(TEXT);
    await world.store.sealingKeys.learnSealingKey(OTHER, sealingKeyOf(next));
    await expect(sealForHost(world.store.sealingKeys, OTHER, TEXT, CONTEXT)).rejects.toMatchObject({ code: 'unsupported' });
  });

  it('has no key any more when the host is forgotten', async () => {
    await world.commit({ forgottenHosts: [world.hostId] });
    expect(await world.store.sealingKeys.sealingKey(world.hostId)).toBeNull();
  });
});
