import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      // One process for many files: to load the same libraries for each takes longer than all tests. The time is for machines that do much else.
      {
        test: {
          name: 'unit',
          include: ['{shared,control-plane,agent,cli,web}/src/**/*.test.ts', 'test/bench/**/*.test.ts', 'infra/**/*.test.mjs'],
          isolate: false,
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      { test: { name: 'tidy', include: ['test/tidy.test.ts'] } },
      { test: { name: 'contract', include: ['test/contract/**/*.test.ts'], testTimeout: 120_000, fileParallelism: false } },
      {
        test: {
          name: 'conformance',
          include: ['test/conformance/**/*.test.ts', 'test/fuzz/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      { test: { name: 'simulation', include: ['test/simulation/**/*.test.ts'], testTimeout: 600_000, maxWorkers: '100%' } },
      {
        // The laboratory itself. The first of them may have to make the image of a host.
        test: {
          name: 'lab',
          include: ['test/lab/{lab,options}.test.ts'],
          testTimeout: 600_000,
          hookTimeout: 1_800_000,
          fileParallelism: false,
        },
      },
      {
        // Drover on hosts of it. A host has one processor: two suites beside each other keep two busy.
        test: {
          name: 'lab-hosts',
          include: ['test/lab/hosts/*.test.ts'],
          testTimeout: 900_000,
          hookTimeout: 1_800_000,
          maxWorkers: 2,
          maxConcurrency: 50,
        },
      },
      {
        // Needs an image of its own.
        test: { name: 'lab-bookworm', include: ['test/lab/bookworm/*.test.ts'], testTimeout: 600_000, hookTimeout: 1_800_000 },
      },
      // Against a real LDAP server and a real OpenID Connect provider.
      { test: { name: 'identity', include: ['test/identity/**/*.test.ts'], testTimeout: 60_000, hookTimeout: 60_000 } },
      {
        test: { name: 'system', include: ['test/system/**/*.test.ts'], testTimeout: 900_000, hookTimeout: 900_000, fileParallelism: false },
      },
    ],
  },
});
