import { realClock } from '@drover/shared/lib/clock';
import { realRandom } from '@drover/shared/lib/random';
import { brokerKeys } from '../../control-plane/src/broker/broker-keys.ts';
import { certificateAuthority } from '../../control-plane/src/broker/certificates.ts';
import { createExternalBroker } from '../../control-plane/src/broker/external.ts';
import { jwtProfile } from '../../control-plane/src/broker/jwt.ts';
import { mosquittoProfile } from '../../control-plane/src/broker/mosquitto.ts';
import { natsProfile } from '../../control-plane/src/broker/nats.ts';
import { natsPush } from '../../control-plane/src/broker/nats-push-node.ts';
import { type Profile, withOwnCertificate } from '../../control-plane/src/broker/profile.ts';
import { type BrokerWorld, CELL, describeBroker, type LightHost, lightHost } from './broker.ts';
import { mosquitto, natsServer } from './broker-programs.ts';
import { jwtStandIn } from './broker-stand-in.ts';

const keys = brokerKeys(new Uint8Array(32).fill(7));
/** How long ago the next login is issued. */
let ageMs = 0;
const ports = { cell: CELL, now: () => Date.now() - ageMs, text: realRandom.text };

function worldOf(url: string, profile: Profile, end: () => Promise<void>): BrokerWorld {
  const broker = createExternalBroker({
    cell: CELL,
    url,
    profile,
    clock: realClock,
    random: realRandom,
    complain: (_what, line) => console.error(line),
  });
  return {
    broker,
    url,
    async login({ id, publicKey }: LightHost, age = 0) {
      ageMs = age;
      const login = await profile.hostLogin({ id, publicKey });
      ageMs = 0;
      return login;
    },
    async checkLogins() {
      const { publicKey, id, privateKey } = lightHost();
      const { expiresAtMs: _expires, ...login } = await profile.hostLogin({ id, publicKey });
      const host = login.certificate === undefined ? login : { ...login, key: privateKey };
      return { url, host, checker: await profile.checkLogin() };
    },
    async cutOff({ id, publicKey }) {
      await profile.refuse?.([{ hostId: id, publicKey, atMs: Date.now() }]);
      broker.disconnect(id);
    },
    async close() {
      await broker.close();
      await end();
    },
  };
}

describeBroker('Mosquitto, with client certificates', async () => {
  const authority = await certificateAuthority(keys);
  const profileAt = (url: string) => withOwnCertificate(mosquittoProfile(ports, authority), authority, [url], ports.now);
  const program = await mosquitto((url) => profileAt(url).setup());
  return worldOf(program.url, profileAt(program.url), program.close);
});

describeBroker('NATS, with tokens of its own', async () => {
  const authority = await certificateAuthority(keys);
  let pushUrl = '';
  const push = natsPush(() => pushUrl, authority.certificate);
  const profileAt = async (url: string) => withOwnCertificate(await natsProfile({ ...ports, push }, keys), authority, [url], ports.now);
  const program = await natsServer(async (url) => (await profileAt(url)).setup());
  pushUrl = program.adminUrl;
  return worldOf(program.url, await profileAt(program.url), program.close);
});

describeBroker('A broker that takes tokens as passwords', async () => {
  const profile = jwtProfile(ports, keys);
  const standIn = await jwtStandIn((await profile.setup())['drover-token-secret.base64'] ?? '');
  return worldOf(standIn.url, profile, standIn.close);
});
