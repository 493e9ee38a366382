import { createHash, randomBytes } from 'node:crypto';
import { accepted, ImageView } from '@drover/shared/api/views';
import { newId } from '@drover/shared/model/id';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AppWorld, createAppWorld, ORIGIN } from '../../../test/control-plane/app-world.ts';
import { rangeOf } from './range.ts';
import { createUploadRoom } from './upload.ts';

let world: AppWorld;
beforeEach(async () => {
  world = await createAppWorld();
});
afterEach(() => world.close());

const BYTES = randomBytes(300_000);
const SHA256 = createHash('sha256').update(BYTES).digest('hex');
const path = (query: string) => `/api/v1/images/upload?name=tiny&form=iso&format=iso${query}`;
const send = (query = '', options: object = {}) => world.ask('POST', path(query), { raw: BYTES, ...options });
const nothingIsLeft = async () => {
  expect(await world.uploadFiles()).toEqual([]);
  expect(await world.store.access.uploads()).toEqual([]);
  expect((await world.ask('GET', '/api/v1/images?name=tiny')).json.total).toBe(0);
};

describe('uploading an image', () => {
  it('keeps the very bytes, and makes an image that its host can fetch', async () => {
    const answer = await send(`&sha256=${SHA256}`, { headers: { 'content-length': String(BYTES.length) } });
    expect(answer.status).toBe(202);
    const { resource } = accepted(ImageView).parse(answer.json);
    expect(resource.source).toMatchObject({ do: 'upload', sizeBytes: BYTES.length, sha256: SHA256, format: 'iso' });
    const [uploadId] = await world.uploadFiles();
    expect(resource.source).toMatchObject({ uploadId });
    expect(await world.store.access.upload(uploadId ?? '')).toMatchObject({ hostId: world.hostId, sha256: SHA256 });
    const opened = await world.deps.uploads.open(uploadId ?? '');
    expect(Buffer.from(await new Response(opened?.body).arrayBuffer()).equals(BYTES)).toBe(true);
    const part = await world.deps.uploads.open(uploadId ?? '', { start: 10, end: 19 });
    expect(Buffer.from(await new Response(part?.body).arrayBuffer()).equals(BYTES.subarray(10, 20))).toBe(true);
  });

  it('a checksum that does not fit is refused, and nothing is left', async () => {
    const answer = await send(`&sha256=${'0'.repeat(64)}`);
    expect(answer.json).toMatchObject({ status: 422, code: 'checksum-mismatch', field: 'sha256' });
    expect(answer.json.detail).toContain(SHA256);
    await nothingIsLeft();
  });

  it('fewer bytes than were announced are refused, and nothing is left', async () => {
    const answer = await send('', { headers: { 'content-length': String(BYTES.length + 1) } });
    expect(answer.json).toMatchObject({ status: 400, retryable: true });
    await nothingIsLeft();
  });

  it('a sender who hangs up half-way leaves nothing', async () => {
    const sender = new AbortController();
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 1;
        if (sent < 5) controller.enqueue(BYTES.subarray(0, 50_000));
        else {
          sender.abort();
          controller.error(new Error('hung up'));
        }
      },
    });
    const request = new Request(`${ORIGIN}${path('')}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${world.tokens.owner}` },
      body,
      signal: sender.signal,
      // @ts-expect-error Node wants it said that the body streams.
      duplex: 'half',
    });
    expect((await world.app.request(request)).status).toBe(499);
    expect(sent).toBe(5);
    await nothingIsLeft();
    expect(world.logged).toEqual([]);
  });

  it.each([
    ['nothing at all', path(''), { raw: '' }, 'bad-request'],
    ['a name that is a path', '/api/v1/images/upload?name=..%2Fx&form=iso&format=iso', {}, 'bad-request'],
    ['a form that is none', '/api/v1/images/upload?name=x&form=tape&format=iso', {}, 'bad-request'],
    ['a host that is not there', path('&host=nowhere'), {}, 'not-found'],
    ['more than a disk holds', path(''), { headers: { 'content-length': String(2 ** 50) } }, 'too-large'],
    ['more than this disk holds', path(''), { headers: { 'content-length': String(2 ** 38) } }, 'no-space'],
  ] as const)('%s is refused and leaves nothing', async (_what, where, options, code) => {
    const answer = await world.ask('POST', where, { raw: BYTES, ...options });
    expect(answer.json.code).toBe(code);
    await nothingIsLeft();
  });

  it('a name that is taken is refused before the first byte is read', async () => {
    await send();
    let pulled = false;
    const body = new ReadableStream<Uint8Array>(
      {
        pull() {
          pulled = true;
        },
      },
      { highWaterMark: 0 },
    );
    const answer = await world.app.request(`${ORIGIN}${path('')}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${world.tokens.owner}` },
      body,
      // @ts-expect-error Node wants it said that the body streams.
      duplex: 'half',
    });
    expect([answer.status, pulled]).toEqual([409, false]);
    expect((await world.uploadFiles()).length).toBe(1);
  });

  it('a file goes once its host has the image, and stays until then', async () => {
    const { resource } = (await send()).json;
    const room = createUploadRoom(world.deps);
    await world.observe('image', resource.id, 1, { condition: 'working', observed: { ready: false } });
    await room.sweep();
    expect((await world.uploadFiles()).length).toBe(1);
    await world.observe('image', resource.id, 1, { observed: { ready: true } });
    await room.sweep();
    expect(await world.uploadFiles()).toEqual([]);
    expect(await world.store.access.uploads()).toEqual([]);
  });

  it('what a killed process left half-made is swept away by the next', async () => {
    let breakOff = () => {};
    const half = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(BYTES);
        breakOff = () => controller.error(new Error('killed'));
      },
    });
    const limits = { sizeBytesMax: 2 ** 30, sizeBytes: null, signal: new AbortController().signal };
    const receiving = world.deps.uploads.receive('a'.repeat(20), half, limits);
    await world.store.access.addUpload({ id: 'b'.repeat(20), hostId: world.hostId, sizeBytes: 1, sha256: '0'.repeat(64), createdAtMs: 0 });
    await expect.poll(() => world.uploadFiles()).toEqual([`${'a'.repeat(20)}.part`]);
    await createUploadRoom(world.deps).sweep();
    await nothingIsLeft();
    breakOff();
    await expect(receiving).rejects.toThrow('killed');
  });

  it('an id that is a path opens and removes nothing', async () => {
    for (const id of ['../x', '', 'a/b', 'A'.repeat(20)]) {
      await expect(world.deps.uploads.open(id)).rejects.toMatchObject({ code: 'not-found' });
      await expect(world.deps.uploads.remove(id)).rejects.toMatchObject({ code: 'not-found' });
    }
  });
});

describe('images', () => {
  it('can be read by name while it is the only one, else by id', async () => {
    expect((await world.ask('GET', '/api/v1/images/debian-13')).json.id).toBe(world.imageId);
    const other = newId('image', world.deps.random);
    const { resource } = (await world.store.placed('image', world.imageId)) ?? {};
    if (!resource) throw new Error('the world has an image');
    const { hostId, spec } = resource;
    await world.commit({ wishes: [{ kind: 'image', id: other, hostId, generation: 1, deletion: null, spec: { ...spec, form: 'vm' } }] });
    const answer = await world.ask('GET', '/api/v1/images/debian-13');
    expect(answer.json).toMatchObject({ status: 409, field: 'image' });
    expect(answer.json.suggestion).toContain(`${other} (vm on fra-h03)`);
    expect((await world.ask('GET', `/api/v1/images/${other}`)).json.form).toBe('vm');
  });

  it('one of the catalogue is made by name; one in use stays; an unused one goes', async () => {
    const made = await world.ask('POST', '/api/v1/images', { body: { name: 'debian-12', form: 'container' } });
    expect([made.status, made.json.resource.source.suite]).toEqual([202, 'bookworm']);
    expect((await world.ask('GET', '/api/v1/images/catalogue')).json.items.length).toBeGreaterThan(3);
    await world.ask('POST', '/api/v1/guests', { body: { type: 'container', name: 'web', image: 'debian-13' } });
    expect((await world.ask('DELETE', '/api/v1/images/debian-13')).json).toMatchObject({ status: 409, code: 'in-use' });
    expect((await world.ask('DELETE', '/api/v1/images/debian-12')).json).toMatchObject({ resource: { deleting: true } });
  });
});

describe('rangeOf', () => {
  it.each([
    [null, null],
    ['bytes=0-9', { start: 0, end: 9 }],
    ['bytes=90-', { start: 90, end: 99 }],
    ['bytes=90-500', { start: 90, end: 99 }],
    ['bytes=-10', { start: 90, end: 99 }],
    ['bytes=-500', { start: 0, end: 99 }],
    ['bytes=100-', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    ['bytes=9-3', null],
    ['bytes=-', null],
    ['bytes=0-1,5-6', null],
    ['lines=0-1', null],
  ] as const)('%s of 100 bytes is %j', (header, expected) => {
    expect(rangeOf(header, 100)).toEqual(expected);
  });
});
