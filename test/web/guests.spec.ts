import { expect, test } from './fixtures.ts';

const row = (name: string) => new RegExp(`^${name}$`);

test('a container is made from an image in four taps, and is seen to come up', async ({ signedIn: page, inspect, world, isMobile }) => {
  await page.getByRole('link', { name: 'New guest' }).click();
  await expect(page.getByRole('radio', { name: /Debian 13/ })).toBeChecked();
  await inspect('new-guest');
  await page.getByRole('radio', { name: /Debian 12/ }).check();
  await page.getByRole('radio', { name: /^Medium/ }).check();
  const name = await page.getByLabel('Name', { exact: true }).inputValue();
  expect(name).toMatch(/^[a-z]+-[a-z0-9]{2}$/);
  await expect(
    page.getByText(`npx drover guest create ${name} --container --image debian-12 --memory 1GiB --cores 2 --disk 8GiB --start --wait`),
  ).toBeVisible();
  await page.getByRole('button', { name: `Create and start ${name}` }).click();

  await expect(page.getByRole('heading', { name, level: 1 })).toBeVisible();
  await expect(page.getByText('Running', { exact: true }).first()).toBeVisible();
  await expect(page.getByText(/^10\./)).toBeVisible();
  // How it ended is said aloud, and leads to its log.
  await page
    .getByRole('status')
    .getByRole('link', { name: `create guest ${name}: done` })
    .click();
  await expect(page.getByRole('log')).toContainText('starting');
  await inspect('task-done');
  await page.goto(`${world.url}/guests`);
  await expect(page.getByRole('link', { name: row(name) })).toBeVisible();
  if (isMobile) await expect(page.getByRole('navigation', { name: 'Places' })).toBeInViewport();
});

test('a guest is started, rebooted, shut down, stopped and deleted', async ({ signedIn: page, inspect, world, isMobile }) => {
  const guest = await world.guest({ name: 'cycle' });
  await page.goto(`${world.url}/guests/${guest.id}`);
  await expect(page.getByText('Stopped', { exact: true })).toBeVisible();
  await inspect('guest-stopped');

  await page.getByRole('button', { name: 'Start', exact: true }).click();
  await expect(page.getByText('Running', { exact: true }).first()).toBeVisible();
  await expect(page.getByRole('group', { name: 'Run a command in it' })).toHaveText('npx drover guest exec cycle -- cat /etc/os-release');
  await expect(page.getByRole('group', { name: 'Open its console' })).toHaveText('npx drover guest console cycle');
  await inspect('guest-running');

  const before = await world.api().guest('cycle');
  await page.getByRole('button', { name: 'Reboot', exact: true }).click();
  await inspect('guest-reboot');
  await page.getByRole('dialog').getByRole('button', { name: 'Reboot', exact: true }).click();
  await expect(page.getByRole('dialog')).toBeHidden();
  await world.api().guestUntil('cycle', ({ startedAtMs }) => startedAtMs !== null && startedAtMs > (before.startedAtMs ?? 0));

  await page.getByRole('button', { name: 'Shut down' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Shut down' }).click();
  await expect(page.getByText('Stopped', { exact: true })).toBeVisible();

  await page.getByRole('button', { name: 'Start', exact: true }).click();
  await page.getByRole('button', { name: 'Stop', exact: true }).click();
  const hold = page.getByRole('button', { name: 'Hold to stop' });
  await inspect('guest-stop');
  // A slip is not enough.
  await hold.click();
  await expect(page.getByText('Keep it pressed a little longer.')).toBeVisible();
  await expect(page.getByRole('dialog')).toBeVisible();
  if (isMobile) {
    await hold.hover();
    await page.mouse.down();
  } else {
    await hold.focus();
    await page.keyboard.down('Enter');
  }
  await expect(page.getByRole('dialog')).toBeHidden();
  await page.mouse.up();
  await page.keyboard.up('Enter');
  await expect(page.getByText('Stopped', { exact: true })).toBeVisible();

  if (!isMobile) {
    // A key that is still held down presses nothing more, also when the focus comes back to what it had pressed.
    await page.getByRole('button', { name: 'Delete' }).focus();
    await page.keyboard.down('Enter');
    await expect(page.getByRole('dialog')).toBeVisible();
    await page.keyboard.press('Escape');
    await expect(page.getByRole('button', { name: 'Delete' })).toBeFocused();
    await page.keyboard.down('Enter');
    await page.keyboard.up('Enter');
  }
  // An open sheet would be in the way.
  await page.getByRole('button', { name: 'Delete' }).click();
  await inspect('guest-delete');
  const really = page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true });
  await expect(really).toBeDisabled();
  await page
    .getByRole('dialog')
    .getByLabel(/^Or type/)
    .fill('cycle');
  await really.click();
  await expect(page.getByRole('heading', { name: 'Guests', level: 1 })).toBeVisible();
  await expect(page.getByRole('link', { name: row('cycle') })).toBeHidden();
  await page.goto(`${world.url}/guests/${guest.id}`);
  await expect(page.getByRole('heading', { name: 'This guest is gone' })).toBeVisible();
  await inspect('guest-gone');
});

test('a guest is started and shut down from the list', async ({ signedIn: page, inspect, world }) => {
  await world.guest({ name: 'quick' });
  await page.goto(`${world.url}/guests?search=quick`);
  await page.getByRole('button', { name: 'Start quick' }).click();
  await expect(page.getByRole('button', { name: 'Shut down quick' })).toBeVisible();
  await inspect('guests');
  await page.getByRole('button', { name: 'Shut down quick' }).click();
  await expect(page.getByRole('dialog', { name: 'Shut down quick?' })).toBeVisible();
  expect(new URL(page.url()).searchParams.get('sheet')).toBe('shutdown');
  await inspect('guests-shutdown');
  // "Back" closes the sheet and nothing else.
  await page.goBack();
  await expect(page.getByRole('dialog')).toBeHidden();
  await expect(page.getByRole('button', { name: 'Shut down quick' })).toBeFocused();
  await page.getByRole('button', { name: 'Shut down quick' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Shut down' }).click();
  await expect(page.getByRole('button', { name: 'Start quick' })).toBeVisible();
});

test('the search is in the address, and finds by name, number, tag and address', async ({ signedIn: page, inspect, world }) => {
  await world.guest({ name: 'needle', tags: ['sewing'], start: true });
  const found = await world.api().guestUntil('needle', ({ addresses }) => addresses.length > 0);
  await world.guest({ name: 'haystack' });
  await page.goto(`${world.url}/guests`);
  const box = page.getByRole('textbox', { name: 'Search guests' });
  for (const words of ['needle', 'sewing need', String(found.id), found.addresses[0] ?? 'no address']) {
    await box.fill(words);
    await expect(page).toHaveURL((url) => url.searchParams.get('search') === words);
    await expect(page.getByRole('link', { name: row('haystack') })).toBeHidden();
    await expect(page.getByRole('link', { name: row('needle') })).toBeVisible();
  }
  await page.reload();
  await expect(box).toHaveValue(found.addresses[0] ?? '');
  await box.fill('nothing-is-called-so');
  await expect(page.getByRole('heading', { name: 'Nothing matches' })).toBeVisible();
  await inspect('guests-no-match');
  await page.getByRole('button', { name: 'Show all guests' }).click();
  await expect(page.getByRole('link', { name: row('haystack') })).toBeVisible();
});

test('what the control plane refuses is said at the field', async ({ signedIn: page, inspect, world }) => {
  await world.guest({ name: 'taken' });
  await page.goto(`${world.url}/guests/new?type=vm&image=debian-13`);
  await page.getByLabel('Name', { exact: true }).fill('taken');
  await page.getByRole('button', { name: /^Create/ }).click();
  const name = page.getByLabel('Name', { exact: true });
  await expect(name).toHaveAttribute('aria-invalid', 'true');
  await expect(name).toBeFocused();
  await expect(name).toHaveAccessibleDescription(/taken/);
  await inspect('new-guest-refused');
  await name.fill('Not A Name');
  await page.getByRole('button', { name: /^Create/ }).click();
  await expect(name).toHaveAccessibleDescription(/small letters/);
  // A field that is folded away unfolds.
  await name.fill('fine');
  await page.getByText('More options').click();
  await page.getByLabel('Memory').fill('1 MiB');
  await page.getByText('More options').click();
  await page.getByRole('button', { name: /^Create/ }).click();
  await expect(page.getByLabel('Memory')).toHaveAttribute('aria-invalid', 'true');
  await expect(page.getByLabel('Memory')).toBeInViewport();
  // With what is said below it, above what stands at the bottom.
  const said = await page.getByText('At least 16 MiB').boundingBox();
  const bar = await page.getByRole('button', { name: /^Create/ }).boundingBox();
  expect((said?.y ?? 0) + (said?.height ?? 0)).toBeLessThan(bar?.y ?? 0);
  await inspect('new-guest-options');
});

test('an edit that somebody else came before is explained, and loses nothing', async ({ signedIn: page, inspect, world }) => {
  const guest = await world.guest({ name: 'shared', memoryBytes: 256 * 2 ** 20 });
  await page.goto(`${world.url}/guests/${guest.id}`);
  await page.getByRole('button', { name: 'Edit' }).click();
  const sheet = page.getByRole('dialog', { name: 'Edit shared' });
  await expect(sheet.getByLabel('Memory')).toHaveValue('256 MiB');
  await inspect('guest-edit');
  await sheet.getByLabel('Memory').fill('a lot');
  await sheet.getByRole('button', { name: 'Save' }).click();
  await expect(sheet.getByLabel('Memory')).toBeFocused();
  await expect(sheet.getByLabel('Memory')).toHaveAccessibleDescription(/Not an amount/);
  await sheet.getByLabel('Memory').fill('512 MiB');
  await world.api().send('PATCH', `/guests/${guest.id}`, { notes: 'Mine, says Ben.', cores: 2 });
  await sheet.getByRole('button', { name: 'Save' }).click();
  await expect(sheet.getByText('Somebody else changed this guest meanwhile')).toBeVisible();
  await inspect('guest-edit-stale');
  await sheet.getByRole('button', { name: 'Take theirs over' }).click();
  await expect(sheet.getByLabel('Notes')).toHaveValue('Mine, says Ben.');
  await expect(sheet.getByLabel('Memory')).toHaveValue('512 MiB');
  await sheet.getByRole('button', { name: 'Save' }).click();
  await expect(sheet).toBeHidden();
  const after = await world.api().guestUntil('shared', ({ memoryBytes }) => memoryBytes === 512 * 2 ** 20);
  expect(after).toMatchObject({ notes: 'Mine, says Ben.', cores: 2 });
  await expect(page.getByText('Mine, says Ben.')).toBeVisible();
});
