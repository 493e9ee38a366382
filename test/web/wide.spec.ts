import { expect, test } from './fixtures.ts';
import { longGuest, openEach } from './pages.ts';

test('every page is right at 1440 px, in light and in the dark', async ({ signedIn: page, world, inspect }) => {
  test.setTimeout(300_000);
  const guest = await longGuest(world);
  const look = async (name: string): Promise<void> => {
    await page.emulateMedia({ colorScheme: 'light' });
    await inspect(`light-${name}`);
    await page.emulateMedia({ colorScheme: 'dark' });
    await inspect(`dark-${name}`);
  };
  await openEach(page, world, guest, look);
  await page.context().clearCookies();
  await page.goto(`${world.url}/hosts`);
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  await look('sign-in');
});
