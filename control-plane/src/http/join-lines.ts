import { shellWord } from '@drover/shared/lib/shell-word';

/** What brings a machine in, for whoever or whatever sets it up. `url`: of the control plane, as that machine reaches it. */

/** To be typed on the machine. */
export const installLine = (url: string, token: string): string =>
  `curl -fsSL ${shellWord(`${url}/install.sh`)} | sudo sh -s -- --token ${shellWord(token)}`;

/** The same for a machine with a clone of Drover, which then runs the agent in the foreground. */
export const cloneLine = (url: string, token: string): string =>
  ['node', 'infra/host.mjs', '--url', url, '--token', token].map(shellWord).join(' ');

/** User data for cloud-init: it joins at its first boot, once. JSON's texts are YAML's, too. */
export function cloudInit(url: string, token: string, expiresAtMs: number): string {
  const isHost = 'test -e /var/lib/drover/agent/identity.json';
  const line = `${isHost} || { curl -fsSL ${shellWord(`${url}/install.sh`)} | DROVER_TOKEN=${shellWord(token)} sh; }`;
  return `#cloud-config
# Makes this Debian machine a host of Drover at its first boot. For one machine, until ${new Date(expiresAtMs).toISOString().slice(0, 16)}Z.
package_update: true
packages: [curl, ca-certificates]
runcmd:
  - ${JSON.stringify(line)}
`;
}
