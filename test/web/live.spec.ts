import type { Page } from '@playwright/test';
import { expect, test } from './fixtures.ts';

/** Requests of the API from now on, but for the stream itself. */
function listen(page: Page): string[] {
  const seen: string[] = [];
  page.on('request', (request) => {
    const { pathname, search } = new URL(request.url());
    if (pathname.startsWith('/api/') && !pathname.endsWith('/events')) seen.push(`${request.method()} ${pathname.slice(7)}${search}`);
  });
  return seen;
}

test('a change made elsewhere is seen without a reload, by fetching that one thing', async ({ signedIn: page, world }) => {
  const guest = await world.guest({ name: 'watched' });
  await page.goto(`${world.url}/guests?search=watched`);
  const row = page.getByRole('listitem').filter({ hasText: 'watched' });
  await expect(row).toContainText('Stopped');
  await page.evaluate(() => document.body.setAttribute('data-same-page', ''));
  const seen = listen(page);
  await world.api().act('watched', 'start');
  await expect(row).toContainText('Running');
  expect(await page.evaluate(() => document.body.hasAttribute('data-same-page'))).toBe(true);
  const guests = seen.filter((line) => line.includes('/guests'));
  expect(guests).toContain(`GET /guests/${guest.id}`);
  expect(guests.filter((line) => !/^GET \/guests\/\d+$/.test(line))).toEqual([]);
});

test('nothing is fetched while nothing changes', async ({ signedIn: page, world }) => {
  await page.clock.install();
  await page.goto(`${world.url}/guests`);
  await expect(page.getByRole('heading', { name: 'Guests', level: 1 })).toBeVisible();
  await expect(page.getByText('Live', { exact: true })).toBeAttached();
  await expect(page.getByText('Loading…')).toHaveCount(0);
  const seen = listen(page);
  for (let step = 0; step < 6; step += 1) await page.clock.fastForward('00:05');
  expect(seen).toEqual([]);
});

test('a lost connection is said, and what was missed is there when it is back', async ({ signedIn: page, inspect, world }) => {
  const guest = await world.guest({ name: 'missed' });
  await page.goto(`${world.url}/guests/${guest.id}`);
  await expect(page.getByText('Stopped', { exact: true })).toBeVisible();
  await world.stopControlPlane();
  await expect(page.getByText(/^No connection to Drover since \d\d:\d\d/)).toBeVisible();
  await expect(page.getByText('Stopped', { exact: true })).toBeVisible();
  await inspect('guest-no-connection');
  await page.getByRole('button', { name: 'Start', exact: true }).click();
  await expect(page.getByText('Drover does not answer')).toBeVisible();
  await inspect('guest-no-connection-refused');
  // A list that was not there yet cannot be had now, and comes by itself when it can.
  await page.getByRole('navigation').getByRole('link', { name: 'Guests' }).click();
  await expect(page.getByRole('button', { name: 'Try again' })).toBeVisible();
  await inspect('guests-no-connection');
  await world.startControlPlane();
  await world.api().act('missed', 'start');
  await expect(page.getByText(/^No connection to Drover/)).toBeHidden();
  await expect(page.getByRole('listitem').filter({ hasText: 'missed' })).toContainText('Running');
});

test('a place that was not open yet is there as soon as Drover is back', async ({ signedIn: page, world }) => {
  // As if it had not been fetched beforehand.
  let isAway = true;
  await page.route('**/assets/hosts-*.js', (route) => (isAway ? route.abort('connectionrefused') : route.fallback()));
  await page.goto(`${world.url}/activity`);
  await expect(page.getByText('Live', { exact: true })).toBeAttached();
  await world.stopControlPlane();
  await page.getByRole('navigation').getByRole('link', { name: 'Hosts' }).click();
  await expect(page.getByText(/^No connection to Drover since/)).toBeVisible();
  isAway = false;
  await world.startControlPlane();
  await expect(page.getByRole('link', { name: 'sim-1' })).toBeVisible();
  await expect(page.getByText(/^No connection to Drover/)).toBeHidden();
});

test('a task is followed while it runs, and can be cancelled', async ({ signedIn: page, inspect, world }) => {
  const api = world.api();
  const guest = await world.guest({ name: 'waiting' });
  await world.stopHosts();
  const { task } = await api.send<{ task: { id: string } }>('POST', `/guests/${guest.id}/start`, {});
  await page.goto(`${world.url}/activity`);
  await expect(page.getByRole('link', { name: 'start guest waiting' })).toBeVisible();
  await inspect('activity');
  await page.getByRole('link', { name: 'start guest waiting' }).click();
  await expect(page.getByText('Queued')).toBeVisible();
  await expect(page.getByText('It begins when the host is back.')).toBeVisible();
  await inspect('task-queued');
  await page.getByRole('button', { name: 'Cancel' }).click();
  await expect(page.getByText('Cancelled', { exact: true })).toBeVisible();
  await world.startHosts();
  expect(await api.get(`/tasks/${task.id}`)).toMatchObject({ state: 'cancelled' });
});
