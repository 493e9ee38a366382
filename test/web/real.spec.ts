import { uploadBusybox } from '../system/busybox-image.ts';
import { startWorld } from '../system/world.ts';
import { expect, test } from './fixtures.ts';

test('a real container is made, used and deleted by thumb', async ({ page, inspect }) => {
  test.skip(process.getuid?.() !== 0, 'real containers need root');
  test.setTimeout(180_000);
  const world = await startWorld({ instance: 'w' });
  try {
    await uploadBusybox(world);
    const { user } = await world.api.get<{ user: { id: string } }>('/session');
    const { signInUrl } = await world.api.send<{ signInUrl: string }>('POST', `/users/${user.id}/sign-in-link`, {});
    await page.goto(signInUrl);
    await page.getByRole('link', { name: 'New guest' }).click();
    await page.getByRole('radio', { name: 'busybox' }).check();
    const name = await page.getByLabel('Name', { exact: true }).inputValue();
    await page.getByRole('button', { name: `Create and start ${name}` }).click();
    await expect(page.getByText('Running', { exact: true }).first()).toBeVisible();
    await expect(page.getByRole('button', { name: /^Copy 10\./ })).toBeVisible();
    await inspect('real-guest');

    await page.getByRole('button', { name: 'Shut down' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Shut down' }).click();
    await expect(page.getByText('Stopped', { exact: true })).toBeVisible();
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByLabel(/^Or type/).fill(name);
    await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click();
    await expect(page.getByRole('heading', { name: 'Make your first guest' })).toBeVisible();

    await page.goto(`${world.url}/hosts`);
    await page.getByRole('main').getByRole('listitem').getByRole('link').click();
    await expect(page.getByText('Connected', { exact: true })).toBeVisible();
    await inspect('real-host');
  } finally {
    await page.goto('about:blank');
    await world.close();
  }
});
