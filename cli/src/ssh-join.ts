import { spawn } from 'node:child_process';
import { shellWord } from '@drover/shared/lib/shell-word';
import { CliError } from './error.ts';
import type { Terminal } from './terminal.ts';

export interface SshJoin {
  /** user@host, a host of ~/.ssh/config, or ssh://user@host:port. */
  readonly destination: string;
  readonly port: number | undefined;
  /** Of the control plane, as the new host reaches it. */
  readonly url: string;
  readonly token: string;
  readonly dryRun: boolean;
}

/** Throws CliError for what ssh would take for an option of its own. */
export function refuseDestination(destination: string): void {
  if (/^[^\s\p{Cc}-][^\s\p{Cc}]*$/u.test(destination)) return;
  throw new CliError('usage', `--ssh: ${JSON.stringify(destination)} is no user@host`, {
    suggestion: 'drover host add --ssh root@192.0.2.7',
  });
}

/** What ssh is started with. The token is not in it: it comes by stdin, as arguments are seen by everybody on either machine. */
export function sshArguments({ destination, port, url, dryRun }: Omit<SshJoin, 'token'>): string[] {
  const install = `read -r DROVER_TOKEN; export DROVER_TOKEN
command -v curl >/dev/null || { echo 'drover: curl is missing there: apt install curl' >&2; exit 1; }
script=$(curl -fsSL ${shellWord(`${url}/install.sh`)}) || exit 1
printf '%s\\n' "$script" | sh -s --${dryRun ? ' --dry-run' : ''}`;
  const asRoot = `if [ "$(id -u)" = 0 ]; then exec sh -c ${shellWord(install)}; fi
if sudo -n true 2>/dev/null; then exec sudo -n sh -c ${shellWord(install)}; fi
echo "drover: $(id -un) is not root there, and sudo does not let it be without a password: sign in as root, or type the line of drover host add there" >&2
exit 1`;
  // Whatever shell the person has there: it reads one word.
  return [...(port === undefined ? [] : ['-p', String(port)]), '-T', '--', destination, `exec sh -c ${shellWord(asRoot)}`];
}

/** Runs the installer there, and shows what it says. Throws CliError when it did not end well. */
export async function joinBySsh(join: SshJoin, terminal: Terminal): Promise<void> {
  const code = await new Promise<number | NodeJS.Signals>((resolve, reject) => {
    const ssh = spawn('ssh', sshArguments(join), { stdio: ['pipe', 'pipe', 'pipe'], env: { ...terminal.env } });
    ssh.once('error', (cause) => reject(new CliError('failed', `ssh cannot be run here: ${cause.message}`, { cause })));
    ssh.once('close', (exitCode, signal) => resolve(exitCode ?? signal ?? 1));
    // One that ends before it has read all is told of by its exit code.
    ssh.stdin.on('error', () => undefined);
    ssh.stdin.end(`${join.token}\n`);
    for (const stream of [ssh.stdout, ssh.stderr]) stream.setEncoding('utf8').on('data', (text: string) => terminal.err(text));
  });
  if (code === 0) return;
  // ssh's own code for what went wrong before anything was run.
  if (code === 255) throw new CliError('unreachable', `ssh does not reach ${join.destination}; above is what it says`);
  throw new CliError('failed', `${join.destination} did not become a host; above is why`);
}
