import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { realClock } from '@drover/shared/lib/clock';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { AgentConfig } from '../../config.ts';
import { createLxcDriver } from './lxc.ts';
import { createQemuDriver } from './qemu.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'drover-probe-'));
  vi.stubEnv('PATH', folder);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

test('a driver whose programs are missing says so, and which type of guest the host therefore cannot run', async () => {
  const config = AgentConfig.parse({
    controlPlaneUrl: 'http://localhost:1',
    dataPath: folder,
    runPath: folder,
    storagePaths: [folder],
    bridges: ['drover0'],
  });
  const options = { config, clock: realClock, log: () => {} };
  expect(await createQemuDriver(options).probe()).toMatchObject({
    usable: false,
    reason: 'the program qemu-system-x86_64 is not installed on this host',
    capabilities: { type: 'vm' },
  });
  expect(await createLxcDriver(options).probe()).toMatchObject({
    usable: false,
    reason: 'the program lxc-start is not installed on this host',
    capabilities: { type: 'container' },
  });
});
