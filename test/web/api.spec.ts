import { expect, test } from './fixtures.ts';

test('the API describes itself to people, signed in or not', async ({ page, world, inspect }) => {
  await page.goto(`${world.url}/api`);
  await page.getByText('Create a guest').click();
  await expect(page.getByText('An image of the catalogue that its host does not have yet')).toBeVisible();
  await inspect('api');
});
