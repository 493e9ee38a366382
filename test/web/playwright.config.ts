import { join } from 'node:path';
import { defineConfig, devices } from '@playwright/test';

const results = join(import.meta.dirname, '../../test-results');

export default defineConfig({
  testDir: import.meta.dirname,
  outputDir: join(results, 'pages'),
  // Each worker has a control plane and hosts of its own; the tests of a file build on each other's fleet in no order.
  workers: 1,
  retries: 0,
  timeout: 60_000,
  expect: { timeout: 15_000 },
  reporter: [['list']],
  use: {
    locale: 'en-GB',
    trace: 'retain-on-failure',
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
    { name: 'phone', use: { ...devices['Pixel 7'], viewport: { width: 390, height: 844 } } },
    { name: 'desktop', testIgnore: /narrow|real/, use: { viewport: { width: 1440, height: 900 } } },
  ],
});
