import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readTextIfThere, writeFileDurably } from '../../host/durable-file.ts';
import { hostFileName, hostLine } from './dnsmasq-config.ts';

/** The folder from which dnsmasq learns guests' names: a file for each MAC address, watched by dnsmasq itself. */
export class GuestNames {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  ensure(): void {
    mkdirSync(this.folder, { recursive: true, mode: 0o755 });
    // Whatever the agent's umask is: dnsmasq is another user.
    for (const path of [this.folder, dirname(this.folder)]) chmodSync(path, 0o755);
  }

  exists(): boolean {
    return existsSync(this.folder);
  }

  /** Can a user without rights of its own get there? */
  isOpenToAll(): boolean {
    for (let path = this.folder; path !== '/'; path = dirname(path)) {
      if ((statSync(path).mode & 0o001) === 0) return false;
    }
    return true;
  }

  has(mac: string): boolean {
    return existsSync(this.pathOf(mac));
  }

  /** `replaced` says that dnsmasq must forget what the file said before. */
  write(mac: string, name: string): 'unchanged' | 'added' | 'replaced' {
    const path = this.pathOf(mac);
    const line = hostLine(mac, name);
    const before = readTextIfThere(path);
    if (before === line) return 'unchanged';
    this.ensure();
    // A name with a dot first is passed over by dnsmasq's watch: it reads the file once, when it is whole.
    const temporary = join(this.folder, `.${hostFileName(mac)}`);
    writeFileDurably(temporary, line, { flush: false });
    chmodSync(temporary, 0o644);
    renameSync(temporary, path);
    return before === null ? 'added' : 'replaced';
  }

  /** False when there was nothing to remove. */
  remove(mac: string): boolean {
    if (!this.has(mac)) return false;
    rmSync(this.pathOf(mac), { force: true });
    return true;
  }

  private pathOf(mac: string): string {
    return join(this.folder, hostFileName(mac));
  }
}
