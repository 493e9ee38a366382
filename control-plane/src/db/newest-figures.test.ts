import { HostId } from '@drover/shared/model/id';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { aHost } from '../../../test/control-plane/held.ts';
import type { Change } from '../core/change.ts';
import { keepingFigures } from './newest-figures.ts';
import { openStore } from './open.ts';
import type { Store } from './store.ts';

const HOSTS = Array.from({ length: 180 }, (_, index) => HostId.parse(`host_${String(index).padStart(20, '0')}`));
const [FIRST] = HOSTS as [HostId];

let below: Store;
let store: Store;
let written: number[];
beforeEach(async () => {
  below = await openStore(':memory:', () => 0);
  written = [];
  const counting: Store = {
    ...below,
    commit(change) {
      written.push(change.figures?.length ?? 0);
      return below.commit(change);
    },
  };
  store = keepingFigures(counting);
  const newHosts = HOSTS.map((id, index) =>
    aHost({ id, name: `h${index}`, publicKey: { kty: 'OKP', crv: 'Ed25519', x: `${index}`.padStart(43, 'x') } }),
  );
  await store.commit({ by: 'test', atMs: 0, newHosts });
  written = [];
});
afterEach(() => below.close());

const tell = (atMs: number, hosts: readonly HostId[]): Promise<unknown> => {
  const figures: Change['figures'] = hosts.map((hostId) => ({ hostId, atMs, figures: { atMs, host: { uptimeS: atMs }, guests: [] } }));
  return store.commit({ by: 'test', atMs, figures });
};

it('the newest figures are known at once, and are written once a minute, some of them each second', async () => {
  await tell(1, [...HOSTS].reverse());
  await tell(2, HOSTS);
  expect(await store.figures(FIRST)).toMatchObject({ atMs: 2, figures: { host: { uptimeS: 2 } } });
  for (let second = 3; second <= 60; second++) await tell(second, [FIRST]);
  expect(written).toEqual(Array.from({ length: 60 }, () => 3));
  expect(await below.figures(HOSTS[179] as HostId)).toMatchObject({ atMs: 2 });
  expect(await below.figures(FIRST)).toMatchObject({ atMs: 1 });
  expect(await store.figures(FIRST)).toMatchObject({ atMs: 60 });
});

it('what another process wrote since is newer than what was heard here', async () => {
  await tell(5, [FIRST]);
  await below.commit({ by: 'other', atMs: 1, figures: [{ hostId: FIRST, atMs: 9, figures: { atMs: 9, host: {}, guests: [] } }] });
  expect(await store.figures(FIRST)).toMatchObject({ atMs: 9 });
});

it('of a host that was forgotten nothing is kept', async () => {
  await tell(5, [FIRST]);
  await store.commit({ by: 'anna', atMs: 1, forgottenHosts: [FIRST] });
  expect(await store.figures(FIRST)).toBeNull();
});
