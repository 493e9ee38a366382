/** The Debian package drover-agent: one file of JavaScript, its unit, and by name all that Debian itself has to bring. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../dependencies.mjs';
import { HOST_PACKAGES } from '../packages.mjs';
import { ar, tarGz } from './archives.mjs';
import { POSTINST, POSTRM, PRERM } from './maintainer.mjs';

/** The package is the same on every processor; what emulates one, and its firmware, are not. */
const ALTERNATIVES = { 'qemu-system-x86': 'qemu-system-x86 | qemu-system-arm', 'ovmf': 'ovmf | qemu-efi-aarch64' };
/** Debian 12's: the bundle is made for it. */
const NODE = 'nodejs (>= 18)';

const UNITS = ['drover-agent.service', 'drover-agent-upgrade.service', 'drover-guests.service', 'drover-guests.slice'];

const LAUNCHER = `#!/bin/sh
# Node.js would warn of Ed25519 in WebCrypto, of which nobody on this host can think anything.
exec /usr/bin/node --no-warnings /usr/lib/drover/agent.js "$@"
`;

const COPYRIGHT = `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: Drover

Files: *
Copyright: The Drover authors
License: Apache-2.0
 On Debian systems the full text is in /usr/share/common-licenses/Apache-2.0.
`;

/**
 * `script`: the built agent; `timeS`: when, in seconds, for every file in it. The same input gives the same bytes, so a digest names
 * a build. It is part of the Debian version too, so that dpkg tells two builds of one release apart. Gives `{ name, version, build, bytes, sha256 }`,
 * `build`: the first twelve hex digits of the script's own digest, by which a running agent knows what it is.
 */
export function agentPackage({ script, version: release, timeS }) {
  const build = hash('sha256', script).slice(0, 12);
  const version = `${release}+${build}`;
  const files = [
    { path: 'usr/lib/drover/agent.js', mode: 0o644, body: Buffer.from(script) },
    // Node.js 18, Debian 12's, takes it for CommonJS otherwise.
    { path: 'usr/lib/drover/package.json', mode: 0o644, body: Buffer.from('{ "type": "module" }\n') },
    { path: 'usr/bin/drover-agent', mode: 0o755, body: Buffer.from(LAUNCHER) },
    ...UNITS.map((unit) => ({
      path: `usr/lib/systemd/system/${unit}`,
      mode: 0o644,
      body: readFileSync(join(ROOT, 'infra/package', unit)),
    })),
    { path: 'usr/share/doc/drover-agent/copyright', mode: 0o644, body: Buffer.from(COPYRIGHT) },
  ];
  const control = [
    { path: 'control', mode: 0o644, body: controlOf(version, files) },
    { path: 'md5sums', mode: 0o644, body: files.map(({ path, body }) => `${hash('md5', body)}  ${path}\n`).join('') },
    { path: 'postinst', mode: 0o755, body: POSTINST },
    { path: 'prerm', mode: 0o755, body: PRERM },
    { path: 'postrm', mode: 0o755, body: POSTRM },
  ];
  const bytes = ar(
    [
      { name: 'debian-binary', body: Buffer.from('2.0\n') },
      { name: 'control.tar.gz', body: tarGz(control, timeS) },
      { name: 'data.tar.gz', body: tarGz(files, timeS) },
    ],
    timeS,
  );
  return { name: `drover-agent_${version}_all.deb`, version, build, bytes, sha256: hash('sha256', bytes) };
}

function controlOf(version, files) {
  const depends = [NODE, ...Object.keys(HOST_PACKAGES).map((name) => ALTERNATIVES[name] ?? name)];
  const sizeKiB = Math.ceil(files.reduce((sum, { body }) => sum + body.length, 0) / 1024);
  return `Package: drover-agent
Version: ${version}
Architecture: all
Maintainer: The Drover authors <drover@localhost>
Installed-Size: ${sizeKiB}
Depends: ${depends.join(', ')}
Recommends: systemd, systemd-timesyncd | time-daemon
Section: admin
Priority: optional
Description: runs virtual machines and containers on this host for Drover
 The agent dials out to a Drover control plane, makes what is wished for there so
 on this host, and reports back. It needs no open port.
`;
}

const hash = (name, bytes) => createHash(name).update(bytes).digest('hex');

/** Beside the built agent: the package, and drover-agent.json, which says what it is. */
export function writeAgentPackage() {
  const folder = join(ROOT, 'agent/dist');
  const { version } = JSON.parse(readFileSync(join(ROOT, 'agent/package.json'), 'utf8'));
  const { name, bytes, ...about } = agentPackage({ script: readFileSync(join(folder, 'agent.js')), version, timeS: 0 });
  // One of another build may lie there.
  for (const old of readdirSync(folder)) if (old.endsWith('.deb')) rmSync(join(folder, old));
  writeFileSync(join(folder, name), bytes);
  writeFileSync(join(folder, 'drover-agent.json'), `${JSON.stringify({ name, ...about, sizeBytes: bytes.length }, null, 2)}\n`);
}
