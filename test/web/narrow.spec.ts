import { test } from './fixtures.ts';
import { longGuest, openEach } from './pages.ts';

test('no page scrolls sideways at 320 px, and dark is as readable as light', async ({ signedIn: page, world, inspect }) => {
  test.setTimeout(300_000);
  const guest = await longGuest(world);
  await page.setViewportSize({ width: 320, height: 640 });
  await page.emulateMedia({ colorScheme: 'dark' });
  await openEach(page, world, guest, (name) => inspect(`320-dark-${name}`));
});
