import type { AgentConfig } from '../../config.ts';
import type { Progress } from '../progress.ts';
import { type BuildSource, debootstrap } from './debian.ts';
import { CONTAINER_FILES } from './debian-files.ts';
import type { MadeImage } from './source.ts';

const PACKAGES = [
  'systemd-sysv',
  'systemd-resolved',
  'dbus',
  'login',
  'iproute2',
  'iputils-ping',
  'netbase',
  'ca-certificates',
  'procps',
  'less',
  'vim-tiny',
];

/** A root file system of Debian that boots its own systemd in a container and asks for its address by DHCP. */
export async function buildContainer(
  config: Pick<AgentConfig, 'debianMirror'>,
  source: BuildSource,
  folder: string,
  progress: Progress,
  signal: AbortSignal,
): Promise<MadeImage> {
  const what = { suite: source.suite, packages: [...PACKAGES, ...source.packages], target: 'rootfs' };
  await debootstrap(folder, what, { early: {}, late: CONTAINER_FILES }, config.debianMirror, progress, signal);
  return { virtualSizeBytes: null };
}
