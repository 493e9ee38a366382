import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Report } from '@drover/shared/protocol/message';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { absorb } from '../../control-plane/src/core/reports.ts';
import { type AppWorld, createAppWorld } from '../control-plane/app-world.ts';
import { aHost, NETWORK_ID, STORAGE_ID } from '../control-plane/held.ts';

/**
 * Agents of the two releases before this one keep working. What each of them understands is kept in released/, as it was when it
 * came out: a wish that uses nothing new must be one that they take, and they take no field that they do not know.
 */
const RELEASED = join(import.meta.dirname, 'released');

describe.each(readdirSync(RELEASED))('an agent of release %s', (release) => {
  const schemaOf = (name: string) =>
    z.fromJSONSchema(JSON.parse(readFileSync(join(RELEASED, release, `${name}.schema.json`), 'utf8')), { defaultTarget: 'draft-2020-12' });

  async function wishesAfter(ask: (world: AppWorld) => Promise<unknown>) {
    const world = await createAppWorld();
    await ask(world);
    const pending = await world.store.pending(world.hostId);
    await world.close();
    return pending?.resources ?? [];
  }

  const container = { type: 'container', name: 'web', image: 'debian-13', start: true };
  const vm = { type: 'vm', name: 'win', memoryBytes: 2 ** 30, diskBytes: 2 ** 30 };
  it.each([
    ['a container', (world: AppWorld) => world.ask('POST', '/api/v1/guests', { body: container })],
    ['a virtual machine', (world: AppWorld) => world.ask('POST', '/api/v1/guests', { body: vm })],
    [
      'a guest that was edited',
      async (world: AppWorld) => {
        await world.ask('POST', '/api/v1/guests', { body: container });
        await world.ask('PATCH', '/api/v1/guests/web', { body: { notes: 'new', tags: ['a'], memoryBytes: 2 ** 29 } });
      },
    ],
    [
      'a guest that is deleted',
      async (world: AppWorld) => {
        await world.ask('POST', '/api/v1/guests', { body: vm });
        await world.ask('DELETE', '/api/v1/guests/win');
      },
    ],
    ['an image', (world: AppWorld) => world.ask('POST', '/api/v1/images', { body: { name: 'debian-12', form: 'container' } })],
  ])('understands the wish for %s', async (_what, ask) => {
    const wishes = await wishesAfter(ask);
    expect(wishes.length).toBeGreaterThan(0);
    for (const { kind, id, hostId, generation, spec, deletion } of wishes) {
      expect([kind, schemaOf(`spec-${kind}`).safeParse(spec).error]).toEqual([kind, undefined]);
      const command = { v: 1, host: hostId, counter: 1, asOfMs: 0, issuedAtMs: 0, expiresAtMs: 1 };
      const sent = { ...command, resource: { kind, id, hostId, generation, spec, deletion } };
      expect(schemaOf('command').safeParse(sent).error).toBeUndefined();
    }
  });

  it('is one that takes no field that it does not know: the comparison above is a strict one', async () => {
    const [wish] = (await wishesAfter((world) => world.ask('POST', '/api/v1/guests', { body: vm }))).filter(({ kind }) => kind === 'guest');
    expect(schemaOf('spec-guest').safeParse({ ...wish?.spec, unheardOf: 1 }).success).toBe(false);
  });

  it('is understood when it introduces itself', () => {
    const said: unknown = JSON.parse(readFileSync(join(RELEASED, release, 'hello.json'), 'utf8'));
    const report = Report.parse(said);
    const view = { host: aHost({ boot: 0, sequence: 0 }), resources: [], tasks: [], hardwareDigest: null };
    const { answer, change } = absorb(view, report, { nowMs: 1, storageId: STORAGE_ID, networkId: NETWORK_ID });
    expect(answer).toMatchObject({ dropped: false, helloWanted: false });
    expect(change.hosts?.[0]?.inventory).toMatchObject({ hostname: 'debian', cores: 4 });
  });
});
