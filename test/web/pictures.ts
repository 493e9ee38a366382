import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { EnrolmentView } from '@drover/shared/api/views';
import { type Browser, chromium, devices, type Page } from 'playwright-core';
import { startWorld, type World } from './world.ts';

/** The README's picture, of the built page and real agents on simulated hosts: `npm run pictures`. */
const FILE = join(import.meta.dirname, '../../docs/pictures/drover.png');
const DESKTOP = { width: 1280, height: 760 };
const PHONE = { width: 390, height: 760 };
const MARGIN = 40;
const MiB = 2 ** 20;
/** The page's clock is ahead by so much: guests that were started a moment ago have run for some time. */
const AHEAD_MS = 3 * 3_600_000;

const guest = (host: string, type: 'container' | 'vm', name: string, memoryMiB: number, cores: number, tags: string[], start = true) => ({
  host,
  type,
  name,
  memoryBytes: memoryMiB * MiB,
  cores,
  tags,
  start,
});
const GUESTS = [
  guest('oak', 'container', 'web', 1024, 2, ['prod']),
  guest('oak', 'vm', 'db', 8192, 4, ['prod', 'nightly']),
  guest('oak', 'container', 'cache', 512, 1, ['prod']),
  guest('oak', 'container', 'mail', 1024, 1, ['prod']),
  guest('oak', 'vm', 'router-lab', 512, 1, ['lab'], false),
  guest('birch', 'vm', 'git', 4096, 2, ['prod']),
  guest('birch', 'container', 'ci-1', 2048, 4, ['ci']),
  guest('birch', 'container', 'ci-2', 2048, 4, ['ci']),
  guest('birch', 'vm', 'desktop-anna', 8192, 4, ['office']),
  guest('birch', 'container', 'wiki', 512, 1, ['office'], false),
];

async function fill(world: World): Promise<void> {
  for (const name of ['oak', 'birch']) {
    const { token } = await world.api().send<EnrolmentView>('POST', '/hosts/enrolments', {});
    await world.addHost(name, token);
  }
  // Each host's network counts from the same address on: these take the first ones, so that no two guests look alike.
  const spares = Array.from({ length: 6 }, (_, index) => guest('birch', 'container', `spare-${index}`, 128, 1, []));
  for (const each of [...spares, ...GUESTS]) {
    await world.guest(each);
    if (each.start) await world.api().guestUntil(each.name, ({ addresses }) => addresses.length > 0);
  }
  for (const { name } of spares) {
    const { task } = await world
      .api()
      .send<{ task: Parameters<ReturnType<World['api']>['finish']>[0] }>('DELETE', `/guests/${name}?force=true`);
    await world.api().finish(task);
  }
  await world.api().act('db', 'reboot');
}

async function open(browser: Browser, world: World, options: Parameters<Browser['newContext']>[0]): Promise<Page> {
  const page = await (await browser.newContext({ locale: 'en-GB', ...options })).newPage();
  await page.clock.setFixedTime(Date.now() + AHEAD_MS);
  await page.goto(await world.signInLink());
  await page.waitForURL('**/guests');
  return page;
}

async function shoot(page: Page): Promise<string> {
  return `data:image/png;base64,${(await page.screenshot()).toString('base64')}`;
}

const world = await startWorld({ hosts: 0 });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
});
try {
  await fill(world);
  const desktop = await open(browser, world, { viewport: DESKTOP });
  await desktop.getByText('desktop-anna').waitFor();
  const { defaultBrowserType: _, ...pixel } = devices['Pixel 7'] ?? {};
  const phone = await open(browser, world, { ...pixel, viewport: PHONE, deviceScaleFactor: 1 });
  await phone.getByRole('link', { name: 'db', exact: true }).click();
  await phone.getByText('Reboot guest db').waitFor();

  const width = DESKTOP.width + PHONE.width + 3 * MARGIN;
  const height = DESKTOP.height + 2 * MARGIN;
  const frame = await (await browser.newContext({ viewport: { width, height } })).newPage();
  await frame.setContent(`<style>
    body { margin: 0; padding: ${MARGIN}px; display: flex; gap: ${MARGIN}px; background: #dfe4f3 }
    img { display: block; border-radius: 12px; box-shadow: 0 0 0 1px #b9c2dc }
    img + img { border-radius: 28px }
  </style><img src="${await shoot(desktop)}"><img src="${await shoot(phone)}">`);
  mkdirSync(join(FILE, '..'), { recursive: true });
  await frame.screenshot({ path: FILE });
  console.log(`${FILE}: ${width} × ${height}, ${Math.round(statSync(FILE).size / 1024)} KiB`);
} finally {
  await browser.close();
  await world.close();
}
