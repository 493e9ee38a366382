import { expect, test } from './fixtures.ts';

test('the printed link signs in, works once, and leaves nothing in the address', async ({ page, world, inspect, browser }) => {
  const link = await world.signInLink();
  const seen: string[] = [];
  page.on('request', (request) => seen.push(`${request.url()} ${request.headers().referer ?? ''}`));
  await page.goto(link);
  await expect(page.getByRole('heading', { name: 'Guests', level: 1 })).toBeVisible();
  expect(new URL(page.url()).hash).toBe('');
  const token = new URL(link).hash.slice('#token='.length);
  expect(seen.filter((line) => line.includes(token))).toEqual([]);

  const other = await (await browser.newContext()).newPage();
  await other.goto(link);
  await expect(other.getByText('This link has expired or was used already')).toBeVisible();
  await inspect('sign-in-spent', other);
  await other.context().close();
});

test('without a session the page says how to get in, and then leads where the address said', async ({ page, world, inspect }) => {
  await page.goto(`${world.url}/activity?state=active`);
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  await expect(page.getByText('npx drover sign-in-link')).toBeVisible();
  await inspect('sign-in');
  await page.getByLabel('Or paste the link here').fill('hello');
  await page.getByRole('button', { name: 'Use this link' }).click();
  await expect(page.getByText('This is not a sign-in link')).toBeVisible();
  await page.getByLabel('Or paste the link here').fill(await world.signInLink());
  await page.getByRole('button', { name: 'Use this link' }).click();
  await expect(page.getByRole('heading', { name: 'Activity', level: 1 })).toBeVisible();
  await expect(page.getByRole('radio', { name: 'Running' })).toBeChecked();
});

test('signing out ends the session, and a second link opened in the same tab begins another', async ({
  signedIn: page,
  world,
  inspect,
}) => {
  await page.getByRole('button', { name: /^Account of/ }).click();
  await inspect('account');
  await page.getByRole('button', { name: 'Sign out' }).click();
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  expect((await page.request.get(`${world.url}/api/v1/session`)).status()).toBe(401);
  await page.goto(`${world.url}/sign-in`);
  await page.goto(await world.signInLink());
  await expect(page.getByRole('heading', { name: 'Guests', level: 1 })).toBeVisible();
});

test('a session that has ended elsewhere asks for a new link where one stands, and goes on from there', async ({
  signedIn: page,
  world,
}) => {
  await page.goto(`${world.url}/hosts`);
  await expect(page.getByRole('link', { name: 'sim-1' })).toBeVisible();
  await page.context().clearCookies();
  // The next change is the next request.
  await world.guest({ name: 'newcomer' });
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  await page.getByLabel('Or paste the link here').fill(await world.signInLink());
  await page.getByRole('button', { name: 'Use this link' }).click();
  await expect(page.getByRole('heading', { name: 'Hosts', level: 1 })).toBeVisible();
  await expect(page.getByRole('link', { name: 'sim-1' })).toBeVisible();
});
