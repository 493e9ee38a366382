import { importPublicKey } from './broker-keys.ts';
import { type CertificateAuthority, CLIENT_MS } from './certificates.ts';
import { CONTROL_PLANE, type Profile, type ProfilePorts } from './profile.ts';

/** Mosquitto knows each client by its certificate, which the control plane has issued for the host's own key. */
export function mosquittoProfile({ now }: ProfilePorts, authority: CertificateAuthority): Profile {
  return {
    async hostLogin({ id, publicKey }) {
      const nowMs = now();
      const certificate = await authority.client(id, await importPublicKey(publicKey.x), nowMs);
      return { username: id, clientId: id, password: '', certificate, subQos: 1, expiresAtMs: nowMs + CLIENT_MS };
    },
    async ownLogin() {
      return { username: CONTROL_PLANE, clientId: CONTROL_PLANE, ...(await authority.newClient(CONTROL_PLANE, now())), subQos: 1 };
    },
    async takeoverLogin(hostId) {
      return { username: hostId, clientId: hostId, ...(await authority.newClient(hostId, now())), subQos: 1 };
    },
    setup: async () => ({ 'drover-clients.crt': authority.certificate }),
  };
}
