import { expect, sidewaysPixels, test } from './fixtures.ts';

test('no page scrolls sideways at 320 px, and dark is as readable as light', async ({ signedIn: page, world, inspect }) => {
  test.setTimeout(300_000);
  const guest = await world.guest({
    name: 'a-guest-with-a-name-as-long-as-names-may-ever-be-in-this-place',
    tags: ['production', 'a-tag-that-is-forty-characters-long-00000'.slice(0, 40)],
    notes: `${'word '.repeat(40)}\n${'unbroken'.repeat(40)}`,
    start: true,
  });
  const hosts = await world.api().get<{ items: { id: string }[] }>('/hosts');
  const tasks = await world.api().get<{ items: { id: string }[] }>('/tasks');
  const paths = [
    '/guests',
    '/guests/new',
    '/guests/new?type=vm',
    `/guests/${guest.id}`,
    `/guests/${guest.id}?sheet=edit`,
    `/guests/${guest.id}?sheet=delete`,
    '/hosts',
    '/hosts?sheet=add',
    `/hosts/${hosts.items[0]?.id}`,
    '/activity',
    `/activity/${tasks.items[0]?.id}`,
    '/no-such-page',
  ];
  await page.setViewportSize({ width: 320, height: 640 });
  await page.emulateMedia({ colorScheme: 'dark' });
  for (const path of paths) {
    await page.goto(`${world.url}${path}`);
    await expect(page.locator('h1, h2').first()).toBeVisible();
    await expect(page.getByText('Loading…')).toHaveCount(0);
    expect(await sidewaysPixels(page), `${path} at 320 px`).toBe(0);
    await inspect(`320-dark${path.replaceAll(/[^a-z0-9]+/g, '-').replace(/-(guest|host|task)-[a-z0-9]{16,}/, '-$1')}`);
  }
});
