import type { Page } from '@playwright/test';
import * as OTPAuth from 'otpauth';
import { expect, test } from './fixtures.ts';

const PASSWORD = 'a row of four quiet herons';
let people = 0;

/** Somebody of their own for each test: they sign out and change how they sign in. */
function newName(project: string): string {
  people += 1;
  return `anna-${project}-${people}`;
}

async function signOut(page: Page): Promise<void> {
  await page.getByRole('button', { name: /^Account of/ }).click();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
}

async function typePassword(page: Page, name: string, password: string): Promise<void> {
  await page.getByLabel('Name', { exact: true }).fill(name);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
}

test('an invited person sets a password and an app with codes, and signs in with both', async ({ page, world, inspect }, info) => {
  const name = newName(info.project.name);
  await page.goto(await world.newcomer(name));
  await expect(page.getByRole('heading', { name: 'Guests', level: 1 })).toBeVisible();
  await page.getByRole('button', { name: /^Account of/ }).click();
  await page.getByRole('link', { name: 'How you sign in' }).click();
  await expect(page.getByRole('heading', { name: 'Your account', level: 1 })).toBeVisible();

  await page.getByLabel('New password').fill('too short');
  await page.getByRole('button', { name: 'Set password' }).click();
  await expect(page.getByRole('alert')).toContainText('12 characters');
  await page.getByLabel('New password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Set password' }).click();
  await expect(page.getByText('Your password is set.')).toBeVisible();

  await page.getByRole('button', { name: 'Set up an app' }).click();
  const seed = await page.getByRole('group', { name: 'QR code for your authenticator app' }).textContent();
  await inspect('account-app');
  const totp = new OTPAuth.TOTP({ secret: OTPAuth.Secret.fromBase32((seed ?? '').replaceAll(/\s/g, '')) });
  await page.getByLabel('Code of your app').fill(totp.generate());
  await page.getByRole('button', { name: 'Confirm' }).click();
  await expect(page.getByText('Each lets you in once')).toBeVisible();
  const codes = await page.getByRole('status').getByRole('listitem').allTextContents();
  expect(codes).toHaveLength(10);
  await inspect('account-codes');

  await signOut(page);
  await typePassword(page, name, 'not this one, really');
  await expect(page.getByText('this name and password do not belong together')).toBeVisible();
  await typePassword(page, name, PASSWORD);
  await expect(page.getByRole('heading', { name: 'One more step' })).toBeVisible();
  await inspect('second-factor');
  await page.getByLabel('Code of your app').fill('000000');
  await page.getByRole('button', { name: 'Continue' }).click();
  await expect(page.getByRole('alert')).toContainText(/code/);
  await page.getByRole('button', { name: 'Use a recovery code instead' }).click();
  await page.getByLabel('Recovery code').fill(codes[0] ?? '');
  await page.getByRole('button', { name: 'Continue' }).click();
  await expect(page.getByRole('heading', { name: 'Your account', level: 1 })).toBeVisible();
  await expect(page.getByText('9 left')).toBeVisible();
  await expect(page.getByRole('region', { name: 'Sessions' }).getByText('this one')).toBeVisible();
});

test('a passkey is made, signs in without a name, and is removed', async ({ page, world, inspect }, info) => {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('WebAuthn.enable');
  await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      ...{ protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true },
      automaticPresenceSimulation: true,
    },
  });
  const name = newName(info.project.name);
  await page.goto(await world.newcomer(name));
  await expect(page.getByRole('heading', { name: 'Guests', level: 1 })).toBeVisible();
  await page.goto(`${world.url}/account`);
  await page.getByLabel('Name of the new passkey').fill('this phone');
  await page.getByRole('button', { name: 'Add a passkey' }).click();
  await expect(page.getByText('this phone')).toBeVisible();
  await inspect('account-passkey');

  await signOut(page);
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await expect(page.getByRole('heading', { name: 'Your account', level: 1 })).toBeVisible();
  await page.getByRole('button', { name: 'Remove this phone' }).click();
  await expect(page.getByText('this phone')).toHaveCount(0);
});
