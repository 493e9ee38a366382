import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { agentPackage } from './agent-package.mjs';

const made = () => agentPackage({ script: 'console.log("é")', version: '1.2.3', timeS: 7 });

/** The members of an ar archive by name. */
function membersOf(bytes) {
  const members = new Map();
  for (let at = 8; at < bytes.length; ) {
    const header = bytes.toString('latin1', at, at + 60);
    const size = Number(header.slice(48, 58));
    members.set(header.slice(0, 16).trim(), bytes.subarray(at + 60, at + 60 + size));
    at += 60 + size + (size % 2);
  }
  return members;
}

/** The files of a tar archive by path: mode and text. */
function filesOf(gzipped) {
  const bytes = gunzipSync(gzipped);
  const files = new Map();
  for (let at = 0; bytes[at] !== 0; ) {
    const text = (from, length) => bytes.toString('utf8', at + from, at + from + length).replace(/\0.*$/s, '');
    const size = Number.parseInt(text(124, 12), 8);
    files.set(text(0, 100), { mode: text(100, 8), body: bytes.toString('utf8', at + 512, at + 512 + size) });
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return files;
}

it('the same agent gives the same package, byte for byte, and another one another', () => {
  expect(made().sha256).toBe(made().sha256);
  expect(agentPackage({ script: 'console.log("e")', version: '1.2.3', timeS: 7 }).sha256).not.toBe(made().sha256);
});

it('it is a Debian package: its format first, then control, then data with folders before what lies in them', () => {
  const members = membersOf(made().bytes);
  expect([...members.keys()]).toEqual(['debian-binary', 'control.tar.gz', 'data.tar.gz']);
  const data = filesOf(members.get('data.tar.gz'));
  expect(data.get('./usr/lib/drover/agent.js').body).toBe('console.log("é")');
  expect(data.get('./usr/bin/drover-agent').mode).toBe('0000755');
  expect([...data.keys()].indexOf('./usr/lib/')).toBeLessThan([...data.keys()].indexOf('./usr/lib/drover/agent.js'));
});

it('its control file names the version and what a host needs, and its checksums are those of its files', () => {
  const members = membersOf(made().bytes);
  const control = filesOf(members.get('control.tar.gz'));
  expect(control.get('./control').body).toMatch(/^Version: 1\.2\.3\+[0-9a-f]{12}$/m);
  expect(control.get('./control').body).toMatch(/^Depends: nodejs \(>= 18\), .*\blxc\b/m);
  const data = filesOf(members.get('data.tar.gz'));
  const lines = control.get('./md5sums').body.trim().split('\n');
  expect(lines).toHaveLength(8);
  for (const line of lines) {
    const [sum, path] = line.split('  ');
    expect(sum).toBe(
      createHash('md5')
        .update(data.get(`./${path}`).body)
        .digest('hex'),
    );
  }
});
