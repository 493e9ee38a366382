import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AppWorld, createAppWorld } from '../../../test/control-plane/app-world.ts';
import { createApp } from './app.ts';

let world: AppWorld;
beforeEach(async () => {
  world = await createAppWorld();
});
afterEach(() => world.close());

const WEB = { type: 'container', name: 'web', image: 'debian-13' };
const key = { 'idempotency-key': 'k-1' };
const create = (body: object = WEB, headers: Record<string, string> = key, as: 'owner' | 'operator' = 'owner') =>
  world.ask('POST', '/api/v1/guests', { body, headers, as });

describe('Idempotency-Key', () => {
  it('the same request again gives the same answer and does nothing', async () => {
    const first = await create();
    const again = await create();
    expect([again.status, again.json, again.headers.get('etag')]).toEqual([202, first.json, '"1"']);
    expect((await world.ask('GET', '/api/v1/guests')).json.total).toBe(1);
  });

  it('requests that come at once have one effect and one answer', async () => {
    const answers = await Promise.all([create(), create(), create(), create()]);
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect((await world.ask('GET', '/api/v1/tasks')).json.total).toBe(1);
  });

  it('another body, path or method under the same key is refused', async () => {
    await create();
    expect((await create({ ...WEB, name: 'web-2' })).json).toMatchObject({ status: 422, code: 'idempotency-key-reused' });
    const elsewhere = await world.ask('POST', '/api/v1/guests/web/start', { headers: key });
    expect(elsewhere.json).toMatchObject({ status: 422, code: 'idempotency-key-reused' });
  });

  it('a key is one person’s own', async () => {
    await create();
    expect((await create({ ...WEB, name: 'web-2' }, key, 'operator')).status).toBe(202);
  });

  it('a request that was refused has not used its key up', async () => {
    expect((await create({ ...WEB, image: 'nowhere' })).status).toBe(404);
    expect((await create()).status).toBe(202);
  });

  it('outlives the process: what was done is not done again', async () => {
    const first = await create();
    const restarted = createApp(world.deps);
    const askAgain = (body: object) =>
      restarted.request('http://drover.test:8420/api/v1/guests', {
        method: 'POST',
        headers: { ...key, authorization: `Bearer ${world.tokens.owner}` },
        body: JSON.stringify(body),
      });
    const again = await askAgain(WEB);
    expect([again.status, (await again.json()).task.id]).toEqual([202, first.json.task.id]);
    expect((await askAgain({ ...WEB, cores: 2 })).status).toBe(422);
    expect((await world.ask('GET', '/api/v1/guests')).json.total).toBe(1);
  });

  it('what is shown only once is shown again to a retry, but lies in no database', async () => {
    const make = () => world.ask('POST', '/api/v1/tokens', { body: { name: 'ci' }, headers: key });
    const first = await make();
    expect((await make()).json).toEqual(first.json);
    expect(await world.store.access.idempotent((await world.ask('GET', '/api/v1/session')).json.user.id, 'k-1')).toBeNull();
  });

  it('a misshapen key is refused', async () => {
    expect((await create(WEB, { 'idempotency-key': 'a b' })).json).toMatchObject({ status: 400, field: 'Idempotency-Key' });
    expect((await create(WEB, { 'idempotency-key': 'a'.repeat(129) })).json).toMatchObject({ status: 400, field: 'Idempotency-Key' });
  });
});
