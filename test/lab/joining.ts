import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EnrolmentView, GuestView, HostView, TaskView } from '@drover/shared/api/views';
import { Problem } from '@drover/shared/lib/problem';
import { LocalClient } from '../../control-plane/src/db/local-client.ts';
import { hashOfSecret } from '../../control-plane/src/db/secret.ts';
import { type Api, createApi } from '../system/api.ts';
import { makeBusyboxArchive } from '../system/busybox.ts';
import { uploadDisk, uploadRootfs } from '../system/busybox-image.ts';
import type { LabHost } from './host.ts';
import type { Lab } from './lab.ts';
import { labFolder } from './state.ts';
import { makeTinyDisk } from './tiny-disk.ts';

/** How hosts of a lab come to its control plane: as people bring them, by the line that it shows. */

export interface LabPlane {
  readonly url: string;
  readonly token: string;
  readonly api: Api;
}

/** The lab's control plane, as its owner's programs use it. */
export function planeOf(lab: Lab): LabPlane {
  const url = lab.controlPlaneUrl;
  if (url === null) throw new Problem('wrong-state', 'this lab has no control plane');
  const token = readFileSync(join(labFolder(lab.name), 'drover/control-plane/local-token'), 'utf8').trim();
  return { url, token, api: createApi(url, token) };
}

export const newToken = ({ api }: LabPlane, name?: string): Promise<EnrolmentView> =>
  api.send('POST', '/hosts/enrolments', name === undefined ? {} : { name });

/** Types the line on the host; what it printed, and its exit code. */
export function typed(host: LabHost, line: string): ReturnType<LabHost['exec']> {
  return host.exec(['sh', '-c', line], { timeoutMs: 600_000 });
}

/** Makes it a host of the control plane by its line, and waits until it is connected. Throws with all that was printed. */
export async function joinAs(plane: LabPlane, host: LabHost, name: string): Promise<HostView> {
  const { code, stdout, stderr } = await typed(host, (await newToken(plane, name)).command);
  if (code !== 0) throw new Problem('host-failed', `${host.name} did not join: ${stdout}${stderr}`);
  return plane.api.until<HostView>(`/hosts/${name}`, ({ connected }) => connected);
}

/** What a host is for: an image, and a container of it that runs and answers the host at its address. Throws when it does not. */
export async function runContainer(plane: LabPlane, host: LabHost, at: HostView, name: string): Promise<GuestView> {
  const { api } = plane;
  const archive = makeBusyboxArchive();
  try {
    await uploadRootfs(plane, `${name}-image`, archive.path, at.name);
  } finally {
    archive.remove();
  }
  const order = { type: 'container', name, image: `${name}-image`, host: at.name, memoryBytes: 64 * 2 ** 20, start: true };
  await api.finish((await api.send<{ task: TaskView }>('POST', '/guests', order)).task);
  const guest = await api.guestUntil(name, ({ state, addresses }) => state === 'running' && addresses.length > 0);
  await host.shell(`ping -n -c 1 -W 10 ${guest.addresses[0]}`);
  return guest;
}

/** The same with a small virtual machine, by the host's own KVM, which is emulated here. */
export async function runMachine(plane: LabPlane, at: HostView, name: string): Promise<GuestView> {
  const { api } = plane;
  const folder = mkdtempSync(join(tmpdir(), 'drover-tiny-disk-'));
  try {
    await uploadDisk(plane, `${name}-image`, await makeTinyDisk(folder), at.name);
  } finally {
    rmSync(folder, { recursive: true });
  }
  const size = { memoryBytes: 128 * 2 ** 20, firmware: 'bios' };
  const order = { type: 'vm', name, image: `${name}-image`, host: at.name, ...size, startAtBoot: true, start: true };
  await api.finish((await api.send<{ task: TaskView }>('POST', '/guests', order)).task);
  const guest = await api.guestUntil(name, ({ state, addresses }) => state === 'running' && addresses.length > 0);
  if (guest.accelerator !== 'kvm') throw new Problem('host-failed', `${name} runs by ${guest.accelerator}, not by the KVM of its host`);
  return guest;
}

/** As if this token had been made two hours ago. */
export async function expire(lab: Lab, token: string): Promise<void> {
  const client = new LocalClient(join(labFolder(lab.name), 'drover/control-plane/drover.db'), 5_000, null);
  await client.execute({
    sql: 'UPDATE enrolment SET expires_at_ms = expires_at_ms - 7200000 WHERE token_hash = ?',
    args: [hashOfSecret(token)],
  });
  client.close();
}

/** Stands before the control plane at another port, and changes one bit of each package that passes; from `alsoItsDigest` on, what the script says of it, too. */
export async function tamperer(plane: LabPlane): Promise<{ readonly url: string; alsoItsDigest(): void; close(): void }> {
  let digest: string | null = null;
  const real = new URL(plane.url);
  const server = createServer((question, answer) => {
    const { method, url: path = '/', headers } = question;
    const asked = request({ host: real.hostname, port: real.port, method, path, headers }, (given) => {
      const pieces: Buffer[] = [];
      given.on('data', (piece: Buffer) => pieces.push(piece));
      given.on('end', () => {
        const bytes = Buffer.concat(pieces);
        const last = bytes.at(-1);
        if (path.endsWith('.deb') && last !== undefined) bytes.writeUInt8(last ^ 1, bytes.length - 1);
        answer.writeHead(given.statusCode ?? 502, given.headers);
        answer.end(path === '/install.sh' && digest !== null ? bytes.toString().replace(/^sha256=.*$/m, `sha256=${digest}`) : bytes);
      });
    });
    asked.on('error', () => answer.destroy());
    question.pipe(asked);
  });
  await new Promise<void>((resolve) => server.listen(0, real.hostname, resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const url = `http://${real.hostname}:${port}`;
  const changed = createHash('sha256')
    .update(Buffer.from(await (await fetch(`${url}/agent/v1/drover-agent.deb`)).arrayBuffer()))
    .digest('hex');
  return {
    url,
    alsoItsDigest: () => {
      digest = changed;
    },
    close: () => server.close(),
  };
}

/** What an installer could leave behind, a line each: packages, units, users, and files with their size, mode and time. */
const LOOKS = `export LC_ALL=C
dpkg-query --show --showformat '\${Package} \${Version} \${Status}\\n'
systemctl list-unit-files --plain --no-legend
cat /etc/passwd /etc/group
find /etc /opt /root /usr/bin /usr/sbin /usr/lib/systemd /usr/local /var/lib/dpkg /var/lib/apt /var/cache /var/lib/drover /tmp /var/tmp \\
  -printf '%p %s %m %T@\\n' 2> /dev/null | grep -v -e '^/tmp ' -e '^/var/tmp ' | sort`;

/** Remembers how the host looks; the other says what has changed since then, '' for nothing. */
export const remember = (host: LabHost): Promise<string> => host.shell(`(${LOOKS}) > /run/looks`);
export const changedSince = (host: LabHost): Promise<string> => host.shell(`(${LOOKS}) | diff /run/looks - || true`);
