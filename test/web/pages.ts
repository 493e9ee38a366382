import type { GuestView } from '@drover/shared/api/views';
import type { Page } from '@playwright/test';
import { expect, test } from './fixtures.ts';
import type { World } from './world.ts';

/** A guest that is all long words. */
export const longGuest = (world: World): Promise<GuestView> =>
  world.guest({
    name: 'a-guest-with-a-name-as-long-as-names-may-ever-be-in-this-place',
    tags: ['production', 'a-tag-that-is-forty-characters-long-00000'.slice(0, 40)],
    notes: `${'word '.repeat(40)}\n${'unbroken'.repeat(40)}`,
    start: true,
  });

/** Opens one page after the other, each with what it shows. */
export async function openEach(page: Page, world: World, guest: GuestView, look: (name: string) => Promise<void>): Promise<void> {
  const hosts = await world.api().get<{ items: { id: string }[] }>('/hosts');
  const tasks = await world.api().get<{ items: { id: string }[] }>('/tasks');
  const paths = {
    'guests': '/guests',
    'new-container': '/guests/new',
    'new-vm': '/guests/new?type=vm',
    'guest': `/guests/${guest.id}`,
    'edit': `/guests/${guest.id}?sheet=edit`,
    'delete': `/guests/${guest.id}?sheet=delete`,
    'hosts': '/hosts',
    'add-host': '/hosts?sheet=add',
    'host': `/hosts/${hosts.items[0]?.id}`,
    'activity': '/activity',
    'task': `/activity/${tasks.items[0]?.id}`,
    'account': '/account',
    'no-such-page': '/no-such-page',
  };
  for (const [name, path] of Object.entries(paths)) {
    await test.step(name, async () => {
      await page.goto(`${world.url}${path}`);
      await expect(page.locator('h1, h2').first()).toBeVisible();
      await expect(page.getByText('Loading…')).toHaveCount(0);
      await look(name);
    });
  }
}
