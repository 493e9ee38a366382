import { CellView } from '@drover/shared/api/cells';
import { HostView } from '@drover/shared/api/views';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AppWorld, createAppWorld } from '../../../../test/control-plane/app-world.ts';

const KEY = { kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43) } as const;
let world: AppWorld;
beforeEach(async () => {
  world = await createAppWorld();
  const body = { name: 'eu', profile: 'mosquitto', urls: ['mqtts://mqtt.example.org:8883'] };
  const { json } = await world.ask('POST', '/api/v1/cells', { body });
  expect(CellView.parse(json)).toMatchObject({ name: 'eu', reached: false });
});
afterEach(() => world.close());

const move = () => world.ask('POST', `/api/v1/hosts/${world.hostId}/move`, { body: { cell: 'eu' } });
const cellOfHost = async (): Promise<string> => HostView.parse((await world.ask('GET', `/api/v1/hosts/${world.hostId}`)).json).cell;
const drain = () => world.ask('POST', '/api/v1/cells/main/drain', { body: {} });

describe('a cell whose broker is not reached', () => {
  it('gets no host that somebody moves there', async () => {
    expect((await move()).json).toMatchObject({ code: 'wrong-state', field: 'cell', suggestion: 'drover broker check --cell eu says why' });
    expect(await cellOfHost()).toBe('main');
  });

  it('gets no host of one that drains, and no new one, until it is', async () => {
    const { views, cells } = world.store;
    const cellOfNewHost = async () => (await views.enrolment('none', KEY)).cell;
    expect((await drain()).status).toBe(200);
    expect(await cells.moveDraining(10, 1)).toEqual([]);
    expect(await cellOfNewHost()).toBeNull();
    await cells.setReached('eu', true);
    expect(await cellOfNewHost()).toBe('eu');
    expect(await cells.moveDraining(10, 1)).toEqual([world.hostId]);
    expect(await cellOfHost()).toBe('eu');
  });
});

it('a host moves to a cell whose broker is reached', async () => {
  await world.store.cells.setReached('eu', true);
  expect((await move()).status).toBe(200);
  expect(await cellOfHost()).toBe('eu');
});
