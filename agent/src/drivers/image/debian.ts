import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Problem } from '@drover/shared/lib/problem';
import type { ImageSource } from '@drover/shared/model/image';
import type { Progress } from '../progress.ts';
import { type ImageFiles, layOut } from './debian-files.ts';
import { giveTreeToSandbox, sandboxed } from './sandbox.ts';

export type BuildSource = Extract<ImageSource, { do: 'build' }>;

export interface Debootstrap {
  readonly suite: BuildSource['suite'];
  readonly packages: readonly string[];
  readonly mirrors: readonly string[];
  /** Name of the folder in the work folder that becomes the root file system. */
  readonly target: string;
}

/** Debian's own layout of mirrors: security updates lie beside the archive. */
export const securityMirrorOf = (mirror: string): string | null => {
  const url = new URL(mirror);
  if (!/\/debian\/?$/.test(url.pathname)) return null;
  url.pathname = url.pathname.replace(/\/debian\/?$/, '/debian-security');
  return url.href;
};

/** The lines of sources.list. A URL holds no spaces once it is parsed. */
export function sourcesOf(suite: string, mirror: string, security: string | null): readonly string[] {
  const { href } = new URL(mirror);
  return [
    `deb ${href} ${suite} main`,
    `deb ${href} ${suite}-updates main`,
    ...(security === null ? [] : [`deb ${new URL(security).href} ${suite}-security main`]),
  ];
}

/** Documentation in languages that a server's owner rarely reads is half of what an image would weigh. */
const DPKG_OPTIONS = [
  'force-unsafe-io',
  'path-exclude=/usr/share/man/*',
  'path-exclude=/usr/share/info/*',
  'path-exclude=/usr/share/locale/*',
  'path-exclude=/usr/share/doc/*',
  'path-include=/usr/share/doc/*/copyright',
];

/** Settings of this build alone: a guest installs documentation, and syncs, as Debian does. And no traces of the host. */
const CLEAN = [
  'rm -f "$1"/etc/apt/apt.conf.d/99mmdebstrap "$1"/etc/dpkg/dpkg.cfg.d/99mmdebstrap "$1"/etc/hostname "$1"/etc/ssh/ssh_host_*',
  // Nothing is newer than these: saves each guest from rebuilding the hardware database and the like at its first boot.
  'touch "$1"/etc/.updated "$1"/var/.updated',
];

export function mmdebstrapArguments({ suite, packages, mirrors, target }: Debootstrap): readonly string[] {
  return [
    '--mode=root',
    '--variant=minbase',
    '--format=directory',
    '--verbose',
    // A user namespace may not mount /sys; no package asks for it.
    '--skip=chroot/mount/sys',
    '--aptopt=APT::Sandbox::User "root"',
    '--aptopt=Acquire::Retries "3"',
    ...DPKG_OPTIONS.map((option) => `--dpkgopt=${option}`),
    `--include=${packages.join(',')}`,
    '--essential-hook=sync-in early /',
    '--customize-hook=sync-in files /',
    ...CLEAN.map((line) => `--customize-hook=${line}`),
    suite,
    `/mnt/${target}`,
    ...mirrors,
  ];
}

/** Runs mmdebstrap in `folder`, whose `target` then holds a root file system with the ids of an unprivileged guest. */
export async function debootstrap(
  folder: string,
  what: Omit<Debootstrap, 'mirrors'>,
  files: { readonly early: ImageFiles; readonly late: ImageFiles },
  mirror: string,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  for (const name of ['tmp', 'early', 'files']) await mkdir(join(folder, name));
  await layOut(files.early, join(folder, 'early'));
  await layOut(files.late, join(folder, 'files'));
  // mmdebstrap takes owners as they are.
  await giveTreeToSandbox(folder);
  const security = await existingSecurityMirror(what.suite, mirror, progress, signal);
  const args = mmdebstrapArguments({ ...what, mirrors: sourcesOf(what.suite, mirror, security) });
  const follow = createAptFollower();
  const errors: string[] = [];
  try {
    await sandboxed('build', folder, 'mmdebstrap', args, {
      signal,
      timeoutMs: 3_600_000,
      env: { HOME: '/mnt/tmp', TMPDIR: '/mnt/tmp', DEBIAN_FRONTEND: 'noninteractive' },
      onLine: (line) => {
        const seen = follow(line);
        if (seen) progress.report(seen.fraction, seen.detail);
        if (/^(I|W|E): /.test(line)) progress.log(line);
        if (/^(E: |dpkg: error|mmdebstrap: )/.test(line)) errors.push(line);
      },
    });
  } catch (thrown) {
    const problem = Problem.from(thrown);
    if (problem.code !== 'host-failed') throw problem;
    throw new Problem('host-failed', `Debian could not be installed into the image: ${errors.slice(0, 3).join('; ') || problem.message}`, {
      cause: thrown,
      retryable: true,
      suggestion: `see the log of the task; the mirror is ${mirror}`,
    });
  }
}

async function existingSecurityMirror(suite: string, mirror: string, progress: Progress, signal: AbortSignal): Promise<string | null> {
  const url = securityMirrorOf(mirror);
  if (url !== null) {
    const wanted = `${url}/dists/${suite}-security/InRelease`;
    const found = await fetch(wanted, { method: 'HEAD', signal: AbortSignal.any([signal, AbortSignal.timeout(15_000)]) }).then(
      (response) => response.ok,
      () => false,
    );
    signal.throwIfAborted();
    if (found) return url;
  }
  progress.log(`no security updates beside the mirror ${mirror}: the image is made without them`);
  return null;
}

/** The stages of mmdebstrap with the part of the whole that each begins at, as measured; two rounds of apt: the essential packages, then the rest. */
const STAGES = [
  { begins: /^I: running apt-get update/, from: 0.01, to: 0.06, detail: 'reading the package lists' },
  { begins: /^I: downloading packages with apt/, from: 0.06, to: 0.12, detail: 'downloading the base system' },
  { begins: /^I: extracting archives/, from: 0.12, to: 0.28, detail: 'unpacking the base system' },
  { begins: /^I: installing essential packages/, from: 0.28, to: 0.52, detail: 'installing the base system' },
  { begins: /^I: installing remaining packages/, from: 0.52, to: 0.97, detail: 'installing packages' },
  { begins: /^I: cleaning package lists/, from: 0.97, to: 1, detail: 'tidying up' },
] as const;

export interface Seen {
  readonly fraction: number;
  readonly detail: string;
}

/** Follows the output of mmdebstrap --verbose: never goes back. */
export function createAptFollower(): (line: string) => Seen | null {
  let stage: (typeof STAGES)[number] | null = null;
  let packages = 0;
  let steps = 0;
  let fraction = 0;
  const at = (part: number, detail: string): Seen => {
    if (stage) fraction = Math.max(fraction, stage.from + (stage.to - stage.from) * Math.min(part, 1));
    return { fraction, detail };
  };
  return (line) => {
    const begun = STAGES.find(({ begins }) => begins.test(line));
    if (begun) {
      stage = begun;
      steps = 0;
      return at(0, begun.detail);
    }
    const count = /^\d+ upgraded, (\d+) newly installed/.exec(line)?.[1];
    if (count) packages = Number(count);
    const [, got, name] = /^Get:(\d+) \S+ \S+ \S+ (\S+)/.exec(line) ?? [];
    if (got && name && packages > 0) return at((0.15 * Number(got)) / packages, `downloading ${name} (${got} of ${packages})`);
    const [, verb, unpacked] = /^(Unpacking|Setting up) ([a-z0-9][a-z0-9+.-]*)/.exec(line) ?? [];
    if (!verb || !unpacked) return null;
    steps++;
    const detail = verb === 'Unpacking' ? `unpacking ${unpacked}` : `setting up ${unpacked}`;
    // Each package is unpacked, then set up.
    return at(0.15 + (0.85 * steps) / Math.max(2 * packages, 1), detail);
  };
}
