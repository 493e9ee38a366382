import type { GuestFigures, HostFigures } from '@drover/shared/model/figures';

/** What a real host said once, for hosts that measure nothing. */
const GiB = 2 ** 30;
export const HOST_FIGURES: HostFigures = {
  uptimeS: 48_399,
  load: [0.51, 0.31, 0.26],
  cpu: 0.099,
  memory: { totalBytes: 25_276_502_016, usedBytes: 2_388_107_264, availableBytes: 22_888_394_752 },
  swap: { totalBytes: 0, usedBytes: 0 },
  pressure: { cpu: { some: 0.0772, full: 0 }, memory: { some: 0, full: 0 }, io: { some: 0.0105, full: 0.01 } },
  storages: [{ id: 'storage_2m5x8c1v4b6n0p7h3k9q', name: 'local', totalBytes: 250 * GiB, usedBytes: 31 * GiB }],
  disk: { in: 11_878_400, out: 1_543_314 },
  network: { in: 14_002, out: 9_120 },
};

export const GUEST_FIGURES: Omit<GuestFigures, 'id'> = {
  cpu: 0.012,
  memoryBytes: 84_475_904,
  disk: { in: 0, out: 4_096 },
  network: { in: 1_204, out: 902 },
};
