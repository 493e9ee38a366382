import { join } from 'node:path';
import { defineConfig, devices } from '@playwright/test';

const results = join(import.meta.dirname, '../../test-results');

/** One pixel for each of CSS: what is to be seen is the same, and is painted in a fraction of the time. */
const phone = { ...devices['Pixel 7'], viewport: { width: 390, height: 844 }, deviceScaleFactor: 1 };

export default defineConfig({
  testDir: import.meta.dirname,
  outputDir: join(results, 'pages'),
  // Each worker has a control plane and hosts of its own. Files share a worker in no order: no test relies on what another left.
  workers: 2,
  retries: 0,
  timeout: 60_000,
  expect: { timeout: 15_000 },
  reporter: [['list']],
  use: {
    locale: 'en-GB',
    // What the page was at each step is enough to see why; a film of it costs every test that passes.
    trace: { mode: 'retain-on-failure', screenshots: false },
    launchOptions: {
      executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
  projects: [
    { name: 'phone', testIgnore: /wide|real/, use: phone },
    // What does not depend on the width is tried once: the stream, sessions, a real guest.
    { name: 'desktop', testIgnore: /narrow|real|live|session/, use: { viewport: { width: 1440, height: 900 } } },
    // Alone: its bridges and cables make the browsers of other tests think that the network has changed, and drop what they load.
    { name: 'real', testMatch: /real/, use: phone, dependencies: ['phone', 'desktop'] },
  ],
});
