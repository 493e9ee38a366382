import type { HostId } from '@drover/shared/model/id';
import type { Credentials, PublicKey } from '@drover/shared/protocol/agent-api';
import type { CertificateAuthority } from './certificates.ts';

/** The user name of the control plane at every broker; no host can be called so. */
export const CONTROL_PLANE = 'drover-control-plane';

/** Who checks a broker: may use the topics of the cell `check`, which no control plane listens to. */
export const CHECKER = 'drover-check';
export const CHECK_CELL = 'check';

/** How one sort of broker knows who is who. A cell has one; nothing else differs between brokers. */
export interface Profile {
  /** With what a host connects, right away: they are of no use a minute later, nor to a host that was cut off meanwhile. */
  hostLogin(host: { readonly id: HostId; readonly publicKey: PublicKey }): Promise<HostLogin>;
  /** With what the control plane connects: it hears and tells every host of the cell. */
  ownLogin(): Promise<Login>;
  checkLogin(): Promise<Login>;
  /** With what the control plane connects in a host's place, to end that host's own connection. It may say and hear nothing. */
  takeoverLogin(hostId: HostId): Promise<Login>;
  /** Makes the broker refuse these hosts, where it would otherwise let them in with what they hold. */
  refuse?(hosts: readonly CutOff[]): Promise<void>;
  /** The files with which the broker is set up: name to content. */
  setup(): Promise<Readonly<Record<string, string>>>;
}

export type HostLogin = Pick<Credentials, 'username' | 'clientId' | 'password' | 'certificate' | 'authority' | 'subQos' | 'expiresAtMs'>;

export interface Login {
  readonly username: string;
  readonly clientId: string;
  readonly password?: string;
  /** PEM, all three. */
  readonly certificate?: string;
  readonly key?: string;
  /** Who has issued the broker's own certificate; absent: a public authority. */
  readonly authority?: string;
  readonly subQos: 0 | 1;
}

/** A host that was revoked or forgotten, and when. */
export interface CutOff {
  readonly hostId: HostId;
  readonly publicKey: PublicKey;
  readonly atMs: number;
}

export interface ProfilePorts {
  readonly cell: string;
  readonly now: () => number;
  /** Unguessable text of that length. */
  readonly text: (length: number) => string;
}

/** The same profile, whose broker's own certificate is by the fleet's authority and not by a public one. */
export function withOwnCertificate(profile: Profile, authority: CertificateAuthority, urls: readonly string[], now: () => number): Profile {
  const known = { authority: authority.certificate };
  return {
    ...profile,
    hostLogin: async (host) => ({ ...(await profile.hostLogin(host)), ...known }),
    ownLogin: async () => ({ ...(await profile.ownLogin()), ...known }),
    checkLogin: async () => ({ ...(await profile.checkLogin()), ...known }),
    takeoverLogin: async (hostId) => ({ ...(await profile.takeoverLogin(hostId)), ...known }),
    async setup() {
      const server = await authority.server(hostNamesOf(urls), now());
      return { ...(await profile.setup()), 'drover-server.crt': server.certificate, 'drover-server.key': server.key };
    },
  };
}

/** The names and addresses under which agents reach the broker. */
const hostNamesOf = (urls: readonly string[]): string[] => [...new Set(urls.map((url) => new URL(url).hostname.replace(/^\[|\]$/g, '')))];
