import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from '../contract/broker-programs.ts';

/** A real OpenLDAP in a folder of its own, on free ports of loopback. */
export interface Slapd {
  readonly ldapPort: number;
  readonly ldapsPort: number;
  /** Replaces all that it knows. */
  load(ldif: string): Promise<void>;
  close(): Promise<void>;
}

export const SLAPD = '/usr/sbin/slapd';
export const hasSlapd = (): boolean => existsSync(SLAPD) && existsSync('/etc/ldap/schema/inetorgperson.schema');
export const ADMIN = { dn: 'cn=admin,dc=example,dc=org', password: 'bind-secret' };

const START_MS = 10_000;

export async function startSlapd(tls: { readonly certificate: string; readonly key: string; readonly ca: string }): Promise<Slapd> {
  const folder = mkdtempSync(join(tmpdir(), 'drover-slapd-'));
  const at = (name: string): string => join(folder, name);
  const [ldapPort, ldapsPort] = [await freePort(), await freePort()];
  // AppArmor lets the installed program into its own folders only: a copy is another program.
  copyFileSync(SLAPD, at('slapd'));
  for (const [name, text] of Object.entries({ 'cert.pem': tls.certificate, 'key.pem': tls.key, 'ca.pem': tls.ca }))
    writeFileSync(at(name), text);
  writeFileSync(at('slapd.conf'), confOf(folder));
  let running: ReturnType<typeof spawn> | null = null;

  async function start(): Promise<void> {
    const urls = `ldap://127.0.0.1:${ldapPort}/ ldaps://127.0.0.1:${ldapsPort}/`;
    const child = spawn(at('slapd'), ['-f', at('slapd.conf'), '-h', urls, '-d', '0'], { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr?.on('data', (chunk) => {
      said += chunk;
    });
    running = child;
    const untilMs = Date.now() + START_MS;
    while (!(await answers(ldapsPort))) {
      if (child.exitCode !== null || Date.now() > untilMs) throw new Error(`slapd does not start: ${said}`);
      await pause(50);
    }
  }

  async function stop(): Promise<void> {
    const child = running;
    running = null;
    if (!child || child.exitCode !== null) return;
    await new Promise((resolve) => {
      child.once('exit', resolve);
      child.kill('SIGKILL');
    });
  }

  return {
    ldapPort,
    ldapsPort,
    async load(ldif) {
      await stop();
      rmSync(at('data'), { recursive: true, force: true });
      mkdirSync(at('data'));
      // The same program by another name loads what it shall know.
      execFileSync(at('slapd'), ['-T', 'add', '-f', at('slapd.conf')], { input: ldif });
      await start();
    },
    async close() {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const confOf = (folder: string): string => `
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/nis.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile ${folder}/slapd.pid
TLSCACertificateFile ${folder}/ca.pem
TLSCertificateFile ${folder}/cert.pem
TLSCertificateKeyFile ${folder}/key.pem
database mdb
maxsize 16777216
suffix "dc=example,dc=org"
rootdn "${ADMIN.dn}"
rootpw ${ADMIN.password}
directory ${folder}/data
access to attrs=userPassword by anonymous auth by * none
access to * by users read by * none
`;

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

/** People with the password "secret of NAME", and groups with members among both. */
export function ldifOf(people: readonly string[], groups: Readonly<Record<string, readonly string[]>> = {}): string {
  const base = [
    'dn: dc=example,dc=org\nobjectClass: domain\ndc: example',
    ...['people', 'groups'].map((ou) => `dn: ou=${ou},dc=example,dc=org\nobjectClass: organizationalUnit\nou: ${ou}`),
  ];
  const persons = people.map(
    (uid) =>
      `dn: uid=${uid},ou=people,dc=example,dc=org\nobjectClass: inetOrgPerson\nuid: ${uid}\ncn: ${uid}\nsn: ${uid}\nuserPassword: secret of ${uid}\nentryUUID: ${uuidOf(uid)}`,
  );
  const named = Object.entries(groups).map(([cn, members]) => {
    const lines = members.map(
      (member) => `member: ${member in groups ? `cn=${member},ou=groups` : `uid=${member},ou=people`},dc=example,dc=org`,
    );
    return [`dn: cn=${cn},ou=groups,dc=example,dc=org`, 'objectClass: groupOfNames', `cn: ${cn}`, ...lines].join('\n');
  });
  return `${[...base, ...persons, ...named].join('\n\n')}\n`;
}

/** The same each time that somebody is loaded anew. */
const uuidOf = (name: string): string => {
  const hex = Buffer.from(name.padEnd(16, '.')).toString('hex').slice(0, 32);
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
};
