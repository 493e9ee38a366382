import { expect, test } from './fixtures.ts';
import { startWorld } from './world.ts';

test('an empty fleet teaches its first steps', async ({ page, inspect }) => {
  const empty = await startWorld({ hosts: 0 });
  try {
    await page.goto(await empty.signInLink());
    await expect(page.getByRole('heading', { name: 'No host yet' })).toBeVisible();
    await inspect('empty-no-host');
    await page.getByRole('link', { name: 'Add a host' }).click();
    await page.getByRole('button', { name: 'Make a one-time token' }).click();
    const line = (await page.getByRole('group', { name: 'Adds this host' }).textContent()) ?? '';
    await empty.addHost('first', / --token (\S+)/.exec(line)?.[1] ?? '');
    await expect(page.getByText('first has joined')).toBeVisible();
    await page.goto(`${empty.url}/guests`);
    await expect(page.getByRole('heading', { name: 'Make your first guest' })).toBeVisible();
    await inspect('empty-no-guest');
    await page.getByRole('link', { name: 'New guest' }).last().click();
    await expect(page.getByRole('radio', { name: 'Debian 13 (trixie) Built first, about 1 min' })).toBeChecked();
    await page.getByRole('radio', { name: 'VM' }).check();
    await expect(page.getByRole('radio', { name: 'Debian 13 (trixie) Built first, about 3 min' })).toBeChecked();
    await page.goto(`${empty.url}/activity`);
    await expect(page.getByRole('heading', { name: 'All quiet' })).toBeVisible();
    await inspect('empty-activity');
  } finally {
    await page.goto('about:blank');
    await empty.close();
  }
});
