import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';

/** What outlives a host's agent by design, and has no place after a test: its network's dnsmasq, its bridge and its firewall table. */
export function removeNetworkOf(agent: { readonly runPath: string; readonly instance: string }): void {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    if (commandLineOf(pid).some((word) => word.includes(`${agent.runPath}/`))) kill(Number(pid));
  }
  const bridge = `drover${agent.instance}0`;
  spawnSync('ip', ['link', 'delete', bridge]);
  spawnSync('nft', ['delete', 'table', 'inet', `drover${agent.instance}_${bridge}`]);
  rmSync(agent.runPath, { recursive: true, force: true });
}

function commandLineOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return []; // it has ended meanwhile
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it has ended meanwhile
  }
}
