import { describe, expect, it } from 'vitest';
import { loaderEntry, partitionTable, rootSizeOf } from './build-vm.ts';
import { createAptFollower, mmdebstrapArguments, securityMirrorOf, sourcesOf } from './debian.ts';
import { CONTAINER_FILES, KERNEL_OPTIONS, vmFiles } from './debian-files.ts';
import { sandboxCommand } from './sandbox.ts';
import { untarArguments } from './unpack.ts';

it('guests find each other by their bare names: in the domain that their network tells, and nowhere else', () => {
  for (const files of [CONTAINER_FILES, vmFiles('bookworm'), vmFiles('trixie')]) {
    const file = files['/etc/systemd/network/80-drover-dhcp.network'];
    expect(file && 'text' in file ? file.text.split('\n') : []).toEqual(expect.arrayContaining(['LLMNR=no', 'UseDomains=yes']));
  }
});

describe('mmdebstrap', () => {
  it('is called as it was checked by hand', () => {
    const args = mmdebstrapArguments({
      suite: 'trixie',
      packages: ['systemd-sysv', 'vim-tiny'],
      mirrors: sourcesOf('trixie', 'http://deb.debian.org/debian', 'http://deb.debian.org/debian-security'),
      target: 'rootfs',
    });
    expect(args).toMatchInlineSnapshot(`
      [
        "--mode=root",
        "--variant=minbase",
        "--format=directory",
        "--verbose",
        "--skip=chroot/mount/sys",
        "--aptopt=APT::Sandbox::User "root"",
        "--aptopt=Acquire::Retries "3"",
        "--dpkgopt=force-unsafe-io",
        "--dpkgopt=path-exclude=/usr/share/man/*",
        "--dpkgopt=path-exclude=/usr/share/info/*",
        "--dpkgopt=path-exclude=/usr/share/locale/*",
        "--dpkgopt=path-exclude=/usr/share/doc/*",
        "--dpkgopt=path-include=/usr/share/doc/*/copyright",
        "--include=systemd-sysv,vim-tiny",
        "--essential-hook=sync-in early /",
        "--customize-hook=sync-in files /",
        "--customize-hook=rm -f "$1"/etc/apt/apt.conf.d/99mmdebstrap "$1"/etc/dpkg/dpkg.cfg.d/99mmdebstrap "$1"/etc/hostname "$1"/etc/ssh/ssh_host_*",
        "--customize-hook=touch "$1"/etc/.updated "$1"/var/.updated",
        "trixie",
        "/mnt/rootfs",
        "deb http://deb.debian.org/debian trixie main",
        "deb http://deb.debian.org/debian trixie-updates main",
        "deb http://deb.debian.org/debian-security trixie-security main",
      ]
    `);
  });

  it('takes security updates from beside the archive, where Debian and its mirrors have them', () => {
    expect(securityMirrorOf('http://deb.debian.org/debian')).toBe('http://deb.debian.org/debian-security');
    expect(securityMirrorOf('https://mirror.example/pub/debian/')).toBe('https://mirror.example/pub/debian-security');
    expect(securityMirrorOf('http://cache.example:3142/apt')).toBeNull();
  });

  it('gets no second word from a mirror’s address', () => {
    expect(sourcesOf('trixie', 'http://x/a b\nc', null)[0]).toBe('deb http://x/a%20bc trixie main');
  });

  it('is followed through both of its rounds without ever going back', () => {
    const follow = createAptFollower();
    const seen = [
      'I: running apt-get update...',
      'Get:1 http://deb.debian.org/debian trixie InRelease [140 kB]',
      'I: downloading packages with apt...',
      '0 upgraded, 2 newly installed, 0 to remove and 0 not upgraded.',
      'Get:1 http://deb.debian.org/debian trixie/main amd64 bash amd64 5.2 [1 kB]',
      'Get:2 http://deb.debian.org/debian trixie/main amd64 libc6 amd64 2.41 [1 kB]',
      'I: extracting archives...',
      'I: installing essential packages...',
      'Unpacking libc6:amd64 (2.41) ...',
      'Setting up libc6:amd64 (2.41) ...',
      'I: installing remaining packages inside the chroot...',
      '0 upgraded, 1 newly installed, 0 to remove and 0 not upgraded.',
      'Unpacking dbus (1.16) ...',
      'some other line',
      'Setting up dbus (1.16) ...',
      'I: cleaning package lists and apt cache...',
    ].map(follow);
    const fractions = seen.flatMap((step) => (step ? [step.fraction] : []));
    expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
    expect(seen.map((step) => step?.detail)).toMatchInlineSnapshot(`
      [
        "reading the package lists",
        undefined,
        "downloading the base system",
        undefined,
        "downloading bash (1 of 2)",
        "downloading libc6 (2 of 2)",
        "unpacking the base system",
        "installing the base system",
        "unpacking libc6",
        "setting up libc6",
        "installing packages",
        undefined,
        "unpacking dbus",
        undefined,
        "setting up dbus",
        "tidying up",
      ]
    `);
  });
});

describe('what an image gets beside its packages', () => {
  it.each([
    ['container', CONTAINER_FILES],
    ['bookworm VM', vmFiles('bookworm')],
    ['trixie VM', vmFiles('trixie')],
  ])('a %s has no identity of its own yet, and asks for its address', (_name, files) => {
    expect(files['/etc/machine-id']).toEqual({ text: '' });
    expect(Object.keys(files).filter((path) => /ssh_host|\/etc\/hostname$/.test(path))).toEqual([]);
    expect(files['/etc/systemd/network/80-drover-dhcp.network']).toMatchObject({ text: expect.stringContaining('DHCP=yes') });
    for (const path of Object.keys(files)) expect(path).toMatch(/^\/[A-Za-z0-9@._/-]+$/);
  });

  it('nothing that is switched off is also switched on', () => {
    for (const files of [CONTAINER_FILES, vmFiles('bookworm'), vmFiles('trixie')]) {
      const off = Object.entries(files).flatMap(([path, file]) =>
        'link' in file && file.link === '/dev/null' ? [path.split('/').at(-1)] : [],
      );
      const on = Object.keys(files).flatMap((path) => (/\.wants\//.test(path) ? [path.split('/').at(-1)] : []));
      expect(on.filter((unit) => off.includes(unit))).toEqual([]);
    }
  });

  it('the boot loader starts the same kernel with the same words as the hook in the guest writes', () => {
    const hook = vmFiles('trixie')['/usr/local/sbin/drover-esp'];
    const printf = hook && 'text' in hook ? (/printf '([^']*)'/.exec(hook.text)?.[1] ?? '') : '';
    expect(printf.replaceAll('\\n', '\n').replaceAll('%s', '6.12')).toBe(loaderEntry('6.12'));
    expect(loaderEntry('6.12')).toContain(KERNEL_OPTIONS);
  });
});

describe('the disk of a built VM', () => {
  it('has its root last, so that it can grow', () => {
    expect(partitionTable(512 * 2 ** 20, '4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709')).toMatchInlineSnapshot(`
      "label: gpt
      unit: sectors
      start=2048, size=262144, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, name=ESP
      start=264192, size=1048576, type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709, name=root
      "
    `);
  });

  it('has room for its tree, in whole MiB', () => {
    for (const treeBytes of [1, 300 * 2 ** 20, 2 ** 31 + 5]) {
      expect(rootSizeOf(treeBytes) % 2 ** 20).toBe(0);
      expect(rootSizeOf(treeBytes)).toBeGreaterThan(treeBytes * 1.1 + 100 * 2 ** 20);
    }
  });
});

it('a stranger’s archive is unpacked by root of a guest, who sees the host’s programs and one folder', () => {
  const [program, args] = sandboxCommand('unpack', 'tar', untarArguments('xz'));
  expect([program, ...args]).toMatchInlineSnapshot(`
    [
      "setpriv",
      "--pdeathsig",
      "KILL",
      "--",
      "lxc-usernsexec",
      "-m",
      "u:0:100000:65536",
      "-m",
      "g:0:100000:65536",
      "--",
      "setpriv",
      "--pdeathsig",
      "KILL",
      "--",
      "unshare",
      "--mount",
      "--propagation",
      "private",
      "--pid",
      "--fork",
      "--kill-child",
      "--",
      "sh",
      "-c",
      "set -e
    mount -t tmpfs -o mode=755,size=1m tmpfs /tmp
    mkdir /tmp/usr /tmp/mnt /tmp/tmp
    mount --rbind /usr /tmp/usr
    for folder in /bin /sbin /lib /lib64; do
      if [ -L "$folder" ]; then cp -P "$folder" /tmp/; elif [ -d "$folder" ]; then mkdir "/tmp$folder"; mount --rbind "$folder" "/tmp$folder"; fi
    done
    mount --no-canonicalize --bind . /tmp/mnt
    exec chroot /tmp sh -c 'cd /mnt && exec "$@"' sh "$@"",
      "sh",
      "tar",
      "--extract",
      "--file=-",
      "--use-compress-program=xz -T0 --memlimit-decompress=1GiB",
      "--directory=/mnt/rootfs",
      "--numeric-owner",
      "--same-owner",
      "--preserve-permissions",
      "--acls",
      "--xattrs",
      "--xattrs-include=security.capability",
      "--xattrs-include=user.*",
      "--delay-directory-restore",
      "--anchored",
      "--exclude=dev/*",
      "--exclude=./dev/*",
      "--exclude=/dev/*",
      "--verbose",
      "--checkpoint=1638",
    ]
  `);
});
