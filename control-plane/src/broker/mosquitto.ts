import { importPublicKey } from './broker-keys.ts';
import { type CertificateAuthority, CLIENT_MS } from './certificates.ts';
import { CHECKER, CONTROL_PLANE, type Login, type Profile, type ProfilePorts } from './profile.ts';

/** Mosquitto knows each client by its certificate, which the control plane has issued for the host's own key. */
export function mosquittoProfile({ now }: ProfilePorts, authority: CertificateAuthority): Profile {
  /** The certificate's name is user name and client id, whatever else is said. */
  async function loginAs(name: string): Promise<Login> {
    return { username: name, clientId: name, ...(await authority.newClient(name, now())), subQos: 1 };
  }
  return {
    async hostLogin({ id, publicKey }) {
      const nowMs = now();
      const certificate = await authority.client(id, await importPublicKey(publicKey.x), nowMs);
      return { username: id, clientId: id, password: '', certificate, subQos: 1, expiresAtMs: nowMs + CLIENT_MS };
    },
    ownLogin: () => loginAs(CONTROL_PLANE),
    checkLogin: () => loginAs(CHECKER),
    takeoverLogin: loginAs,
    setup: async () => ({ 'drover-clients.crt': authority.certificate }),
  };
}
