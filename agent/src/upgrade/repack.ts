import { cpSync, lstatSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { run } from '../host/shell.ts';

const PACKAGE = 'drover-agent';
/** Of dpkg's own record of an installed package, what no package says of itself. */
const NOT_OF_PACKAGES = /^(Status|Config-Version|Conffiles):/;
/** Where dpkg keeps the scripts and sums of what is installed. */
const INFO = '/var/lib/dpkg/info';
const MEMBERS = ['postinst', 'prerm', 'postrm', 'preinst', 'md5sums'];

/** Makes a package of what is installed now, to go back to: exactly what is on this disk, whoever brought it, and without anybody to fetch it from. */
export async function repackInstalled(folder: string, path: string): Promise<void> {
  const root = join(folder, 'old');
  rmSync(root, { recursive: true, force: true });
  const { stdout: files } = await run('dpkg', ['--listfiles', PACKAGE], { timeoutMs: 60_000 });
  for (const file of files.split('\n').filter((line) => line.startsWith('/') && line !== '/.')) {
    if (!lstatSync(file, { throwIfNoEntry: false })?.isFile()) continue;
    mkdirSync(dirname(join(root, file)), { recursive: true, mode: 0o755 });
    cpSync(file, join(root, file), { preserveTimestamps: true });
  }
  const { stdout: record } = await run('dpkg-query', ['--status', PACKAGE], { timeoutMs: 60_000 });
  mkdirSync(join(root, 'DEBIAN'), { recursive: true, mode: 0o755 });
  writeFileSync(join(root, 'DEBIAN/control'), controlOf(record));
  for (const member of MEMBERS) {
    const from = `${INFO}/${PACKAGE}.${member}`;
    if (lstatSync(from, { throwIfNoEntry: false })) cpSync(from, join(root, 'DEBIAN', member));
  }
  await run('dpkg-deb', ['--root-owner-group', '-Zgzip', '--build', root, path], { timeoutMs: 120_000 });
  rmSync(root, { recursive: true, force: true });
}

/** The fields of `dpkg-query --status` that a control file has; a field goes on in the lines after it that begin with a space. */
export function controlOf(record: string): string {
  const fields = record.trim().split(/\n(?! )/);
  return `${fields.filter((field) => !NOT_OF_PACKAGES.test(field)).join('\n')}\n`;
}
