import { HostFiguresView } from '@drover/shared/api/host-views';
import { ChangeEvent } from '@drover/shared/api/views';
import { realRandom } from '@drover/shared/lib/random';
import { newId } from '@drover/shared/model/id';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AppWorld, createAppWorld, grantOnEverything, ORIGIN, type WorldRole } from '../../../test/control-plane/app-world.ts';
import { hashOfSecret } from '../db/secret.ts';

let world: AppWorld;
const closing = new AbortController();
beforeEach(async () => {
  world = await createAppWorld();
});
afterEach(() => world.close());

interface Stream {
  /** The next frame, as its fields. */
  next(): Promise<Record<string, string> | 'end'>;
  leave(): Promise<void>;
}

/** `as`: a role, or the secret of a token. */
async function listen(after?: string, as = 'owner', query = ''): Promise<Stream> {
  const secret = as in world.tokens ? world.tokens[as as WorldRole] : as;
  const response = await world.app.request(`${ORIGIN}/api/v1/events${query}`, {
    headers: { authorization: `Bearer ${secret}`, ...(after === undefined ? {} : { 'last-event-id': after }) },
  });
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  const reader = response.body?.getReader();
  if (!reader) throw new Error('no body');
  const decoder = new TextDecoder();
  let text = '';
  return {
    async next() {
      for (;;) {
        const end = text.indexOf('\n\n');
        if (end >= 0) {
          const frame = text.slice(0, end);
          text = text.slice(end + 2);
          return Object.fromEntries(
            frame.split('\n').map((line) => [line.slice(0, line.indexOf(':')) || 'comment', line.slice(line.indexOf(':') + 2)]),
          );
        }
        const { done, value } = await reader.read();
        if (done) return 'end';
        text += decoder.decode(value, { stream: true });
      }
    },
    leave: () => reader.cancel(),
  };
}

/** The secret of somebody who may use guests, and see nobody. */
async function guestUser(): Promise<string> {
  const nowMs = world.clock.now();
  const user = { id: newId('user', realRandom), name: 'gus', createdAtMs: nowMs };
  await world.store.access.addUser(user, [grantOnEverything(user.id, 'guest-user', nowMs)]);
  const token = { id: newId('token', realRandom), kind: 'api', name: 'test', userId: user.id, ownGrantsOnly: false } as const;
  await world.store.access.addToken({ ...token, createdAtMs: nowMs, lastUsedAtMs: nowMs, expiresAtMs: null }, hashOfSecret('drv_gus'));
  return 'drv_gus';
}

const touch = (id: string) => world.commit({ events: [{ kind: 'guest', id, gone: false }] });
const idOf = (frame: Record<string, string> | 'end'): string =>
  frame === 'end' ? 'end' : ChangeEvent.parse(JSON.parse(frame.data ?? '')).id;

describe('the event stream', () => {
  it('ends with the token that opened it, and not with another one', async () => {
    const [auditor, owner] = [await listen(undefined, 'auditor'), await listen()];
    for (const stream of [auditor, owner]) expect(await stream.next()).toMatchObject({ event: 'hello' });
    const user = await world.store.access.user('auditor-anna');
    const [token] = (await world.store.access.tokens({ limit: 1, userId: user?.id })).items;
    expect((await world.ask('DELETE', `/api/v1/tokens/${token?.token.id}`)).status).toBe(204);
    expect(await auditor.next()).toBe('end');
    await touch('100');
    expect([idOf(await owner.next()), idOf(await owner.next())]).toEqual([token?.token.id, '100']);
    await owner.leave();
  });

  it('ends with its user, and when its session has lasted long enough', async () => {
    const auditor = await listen(undefined, 'auditor');
    expect(await auditor.next()).toMatchObject({ event: 'hello' });
    expect((await world.ask('DELETE', '/api/v1/users/auditor-anna')).status).toBe(204);
    expect(await auditor.next()).toBe('end');

    const user = await world.store.access.user('operator-anna');
    if (!user) throw new Error('no user');
    const session = { id: newId('token', realRandom), kind: 'session', name: 'browser', userId: user.id, ownGrantsOnly: false } as const;
    const nowMs = world.clock.now();
    await world.store.access.addToken(
      { ...session, createdAtMs: nowMs, lastUsedAtMs: nowMs, expiresAtMs: nowMs + 20_000 },
      hashOfSecret('drs_short'),
    );
    const short = await listen(undefined, 'drs_short');
    expect(await short.next()).toMatchObject({ event: 'hello' });
    for (const expected of [{ comment: 'still here' }, 'end']) {
      const next = short.next();
      await settle();
      world.clock.advance(15_000);
      expect(await next).toEqual(expected);
    }
  });

  it('begins now, says where that is, and tells of each commit', async () => {
    const stream = await listen();
    const { newest } = await world.store.eventRange();
    expect(await stream.next()).toMatchObject({ event: 'hello', id: String(newest) });
    await touch('100');
    expect(await stream.next()).toEqual({
      event: 'change',
      id: String(newest + 1),
      data: JSON.stringify({ cursor: newest + 1, kind: 'guest', id: '100', gone: false }),
    });
    await stream.leave();
  });

  it('resumes where it broke off, without a gap and without a repeat', async () => {
    const first = await listen();
    await first.next();
    await touch('101');
    const last = await first.next();
    await first.leave();
    for (const id of ['102', '103', '104']) await touch(id);
    const second = await listen(last === 'end' ? '' : last.id);
    await second.next();
    await touch('105');
    const seen: string[] = [];
    for (let count = 0; count < 4; count += 1) seen.push(idOf(await second.next()));
    expect(seen).toEqual(['102', '103', '104', '105']);
    await second.leave();
  });

  it('a slow reader misses nothing, however much happens meanwhile', async () => {
    const stream = await listen();
    await stream.next();
    const ids = Array.from({ length: 1_200 }, (_unused, index) => String(100 + index));
    await world.commit({ events: ids.slice(0, 700).map((id) => ({ kind: 'guest', id, gone: false })) });
    await world.commit({ events: ids.slice(700).map((id) => ({ kind: 'guest', id, gone: false })) });
    const seen: string[] = [];
    for (const _id of ids) seen.push(idOf(await stream.next()));
    expect(seen).toEqual(ids);
    await stream.leave();
  });

  it('who was away for long gets all of it, though nothing new happens', async () => {
    const { newest } = await world.store.eventRange();
    await world.commit({
      events: Array.from({ length: 1_100 }, (_unused, index) => ({ kind: 'guest', id: String(100 + index), gone: false })),
    });
    const stream = await listen(String(newest));
    await stream.next();
    let last = '';
    for (let count = 0; count < 1_100; count += 1) last = idOf(await stream.next());
    expect(last).toBe('1199');
    await stream.leave();
  });

  it('says so when what was missed is no longer known, or never was', async () => {
    const { newest } = await world.store.eventRange();
    const ahead = await listen(String(newest + 50));
    expect(await ahead.next()).toMatchObject({ event: 'reset', id: String(newest) });
    await ahead.leave();
    world.store.eventRange = async () => ({ oldest: 10_000, newest: 20_000 });
    const behind = await listen('5');
    expect(await behind.next()).toMatchObject({ event: 'reset', id: '20000' });
    await behind.leave();
  });

  it('shows a sign of life every 15 s', async () => {
    const stream = await listen();
    await stream.next();
    const quiet = stream.next();
    await settle();
    world.clock.advance(15_000);
    expect(await quiet).toEqual({ comment: 'still here' });
    await stream.leave();
  });

  it('tells the live figures of a host to who asked for them, the newest there are and those that come, and to nobody else', async () => {
    const tell = (load: number) => {
      const figures = { atMs: 1, host: { load: [load, 0, 0] as [number, number, number] }, guests: [] };
      return world.commit({ figures: [{ hostId: world.hostId, atMs: world.clock.now(), figures }] });
    };
    await tell(1);
    const [asked, other] = [await listen(undefined, 'auditor', '?figures=fra-h03'), await listen()];
    const load = async () => {
      const frame = await asked.next();
      if (frame === 'end' || frame.event !== 'figures') return frame;
      expect(frame).not.toHaveProperty('id');
      const { host, ageMs, figures } = HostFiguresView.parse(JSON.parse(frame.data ?? ''));
      return [host.name, ageMs, figures?.load?.[0]];
    };
    expect([await asked.next(), await other.next()]).toMatchObject([{ event: 'hello' }, { event: 'hello' }]);
    expect(await load()).toEqual(['fra-h03', 0, 1]);
    const next = load();
    await settle();
    world.clock.advance(4_000);
    await tell(2);
    world.clock.advance(1_000);
    expect(await next).toEqual(['fra-h03', 1_000, 2]);
    await touch('100');
    expect(idOf(await other.next())).toBe('100');
    await Promise.all([asked.leave(), other.leave()]);
    expect((await world.ask('GET', '/api/v1/events?figures=nobody')).json).toMatchObject({ status: 404, field: 'host' });
  });

  it('users and tokens are for those who may edit access', async () => {
    const user = await listen(undefined, await guestUser());
    const owner = await listen(undefined, 'owner');
    await user.next();
    await owner.next();
    await world.commit({ events: [{ kind: 'user', id: 'user_x', gone: false }] });
    await touch('100');
    expect(idOf(await owner.next())).toBe('user_x');
    expect(idOf(await user.next())).toBe('100');
    await Promise.all([user.leave(), owner.leave()]);
  });

  it('ends when the control plane stops', async () => {
    await world.close();
    world = await createAppWorld({ closing: closing.signal });
    const stream = await listen();
    await stream.next();
    const end = stream.next();
    await settle();
    closing.abort();
    expect(await end).toBe('end');
  });
});

/** Lets everything that needs no time happen. */
const settle = () => new Promise((resolve) => setImmediate(resolve));
