import { expect, test } from './fixtures.ts';

test('a host joins by the line that the page shows, and the page notices', async ({ signedIn: page, inspect, world }) => {
  await page.getByRole('navigation').getByRole('link', { name: 'Hosts' }).click();
  await expect(page.getByRole('link', { name: 'sim-1' })).toBeVisible();
  await inspect('hosts');
  await page.getByRole('button', { name: 'Add a host' }).click();
  await inspect('host-add');
  await page.getByLabel('Name', { exact: true }).fill('sim-1');
  await page.getByRole('button', { name: 'Make a one-time token' }).click();
  await expect(page.getByLabel('Name', { exact: true })).toHaveAccessibleDescription(/there is a host called sim-1 already/);
  await page.getByLabel('Name', { exact: true }).fill('barn');
  await page.getByRole('button', { name: 'Make a one-time token' }).click();
  const line = (await page.getByRole('group', { name: 'Adds this host' }).textContent()) ?? '';
  await expect(page.getByText(/Waiting for your host/)).toBeVisible();
  await inspect('host-add-waiting');
  await expect(page.getByRole('img', { name: /QR code/ })).toBeVisible();
  await page.getByText('cloud-init', { exact: true }).click();
  await expect(page.getByText('#cloud-config')).toBeVisible();
  await inspect('host-add-cloud-init');
  const token = / --token (\S+)/.exec(line)?.[1] ?? '';
  // Another host that comes meanwhile is not this one.
  const { token: another } = await world.api().send<{ token: string }>('POST', '/hosts/enrolments', { name: 'other' });
  await world.addHost('other', another);
  await expect(page.getByText(/Waiting for your host/)).toBeVisible();
  await world.addHost('barn', token);
  await expect(page.getByText('barn has joined')).toBeVisible();
  await inspect('host-add-joined');
  await page.getByRole('link', { name: 'Open barn' }).click();
  await expect(page.getByRole('heading', { name: 'barn', level: 1 })).toBeVisible();
  await expect(page.getByText('Connected')).toBeVisible();
  await expect(page.getByText(/usable/).first()).toBeVisible();
  await inspect('host');

  // Its figures come by themselves, and are no event for everybody.
  await expect(page.getByRole('meter', { name: 'Memory' })).toBeVisible({ timeout: 45_000 });
  await expect(page.getByText(/Measured/).first()).toBeVisible();
  for (const list of ['Disks', 'Network cards', 'PCI devices', 'USB devices', 'NUMA nodes', 'Processor flags', 'Packages'])
    await page.getByText(list, { exact: true }).last().click();
  await expect(page.getByText(/smartmontools is not installed/)).toBeVisible();
  await expect(page.getByText('Yubico YubiKey')).toBeVisible();
  await inspect('host-hardware');

  await page.getByRole('button', { name: 'Edit' }).click();
  await page.getByLabel('Tags').fill('edge eu');
  await page.getByLabel('Location').fill('rack 4');
  await page.getByLabel('Start delay').fill('soon');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByLabel('Start delay')).toHaveAccessibleDescription(/whole number/);
  await page.getByLabel('Start delay').fill('30');
  await page.getByLabel('Name', { exact: true }).fill('sim-1');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByLabel('Name', { exact: true })).toHaveAccessibleDescription(/sim-1/);
  await inspect('host-rename-refused');
  await page.getByLabel('Name', { exact: true }).fill('stable');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByRole('heading', { name: 'stable', level: 1 })).toBeVisible();
  await expect(page.getByText('edge, eu')).toBeVisible();
  await expect(page.getByText('rack 4')).toBeVisible();
});

test('the agent of a host is upgraded, and a reboot says first whom it concerns', async ({ signedIn: page, inspect, world }) => {
  const { token } = await world.api().send<{ token: string }>('POST', '/hosts/enrolments', { name: 'old' });
  await world.addHost('old', token);
  await world.guest({ name: 'early', host: 'old', start: true, startAtBoot: true });
  await world.guest({ name: 'by-hand', host: 'old', start: true, startAtBoot: false });
  await page.goto(`${world.url}/hosts`);
  await expect(page.getByText(/another agent than this control plane’s/)).toBeVisible();
  await page.getByRole('link', { name: 'old' }).click();
  await page.getByRole('button', { name: 'Reboot…' }).click();
  await expect(page.getByText('Start again with it: early')).toBeVisible();
  await expect(page.getByText('Stay off, as they do not start with their host: by-hand')).toBeVisible();
  await inspect('host-reboot');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Upgrade the agent' }).click();
  await expect(page.getByText('Its agent is up to date.')).toBeVisible();
  await inspect('host-upkeep');
});

test('a host is removed after it was said what becomes of its guests', async ({ signedIn: page, inspect, world }) => {
  const { token } = await world.api().send<{ token: string }>('POST', '/hosts/enrolments', { name: 'shed' });
  await world.addHost('shed', token);
  await world.guest({ name: 'staying', host: 'shed', start: true });
  await page.goto(`${world.url}/hosts`);
  await page.getByRole('link', { name: 'shed' }).click();
  await page.getByRole('button', { name: 'Remove this host…' }).click();
  await expect(page.getByText(/nobody looks after them any more: staying\./)).toBeVisible();
  await expect(page.getByRole('group', { name: 'Removes the agent' })).toHaveText('sudo apt purge drover-agent');
  await inspect('host-remove');
  await page.getByRole('button', { name: 'Hold to remove' }).press('Enter', { delay: 1_000 });
  await expect(page).toHaveURL(/\/hosts$/);
  await expect(page.getByRole('link', { name: 'shed' })).toHaveCount(0);
});

test('guests of a host that is away are unknown, and known again when it is back', async ({ signedIn: page, inspect, world }) => {
  const guest = await world.guest({ name: 'faraway', start: true });
  await page.goto(`${world.url}/guests?search=faraway`);
  const row = page.getByRole('listitem').filter({ hasText: 'faraway' });
  await expect(row).toContainText('Running');
  await world.stopHosts();
  await expect(row).toContainText(/Unknown since \d\d:\d\d/);
  await inspect('guests-host-away');
  await page.getByRole('link', { name: 'faraway' }).click();
  await expect(page.getByText(new RegExp(`Its host ${guest.host.name} was last heard at`))).toBeVisible();
  await inspect('guest-host-away');
  await page.goto(`${world.url}/hosts`);
  await expect(page.getByRole('listitem').filter({ hasText: guest.host.name })).toContainText('Away');
  await inspect('hosts-away');
  // Another takes its place: what becomes of each thing is said first. Nothing is done here.
  await page.goto(`${world.url}/hosts/${guest.host.id}?sheet=replace`);
  await expect(page.getByRole('heading', { name: `Replace ${guest.host.name}?` })).toBeVisible();
  await inspect('host-replace');
  await page.goto(`${world.url}/hosts`);
  await world.startHosts();
  await expect(page.getByRole('listitem').filter({ hasText: guest.host.name })).toContainText('Connected');
});
