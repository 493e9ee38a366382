import { bytesOfBase64url } from '@drover/shared/lib/base64url';
import type { HostId } from '@drover/shared/model/id';
import { type BrokerKeys, newKeyPair } from './broker-keys.ts';
import { natsToken, publicNkey, seedNkey } from './nats-claims.ts';
import { CHECK_CELL, CHECKER, CONTROL_PLANE, type CutOff, type Login, type Profile, type ProfilePorts } from './profile.ts';

/** NATS ends a connection when its token expires, so this is how often a host connects anew. Whom it shall refuse earlier, it is told. */
const TOKEN_MS = 24 * 3_600_000;

export interface NatsPorts extends ProfilePorts {
  /** Gives the server the account's new claims; throws when it did not take them. */
  readonly push: (claims: string, login: NatsLogin) => Promise<void>;
}

/** Of a user of the system account. */
export interface NatsLogin {
  readonly token: string;
  readonly seed: string;
}

/** NATS through its MQTT gateway: each client brings a user's token, signed by the fleet's account; that one is signed by the fleet's operator. */
export async function natsProfile({ now, text, push }: NatsPorts, keys: BrokerKeys): Promise<Profile> {
  const operator = { kind: 'operator', pair: await keys.keyPair('nats operator') } as const;
  const account = { kind: 'account', pair: await keys.keyPair('nats account') } as const;
  const system = { kind: 'account', pair: await keys.keyPair('nats system account') } as const;
  const names = { account: publicNkey('account', account.pair.publicBytes), system: publicNkey('account', system.pair.publicBytes) };

  const userToken = (user: string, name: string, allowed: Allowed): Promise<string> =>
    natsToken(
      account,
      {
        name,
        sub: user,
        exp: Math.floor((now() + TOKEN_MS) / 1_000),
        nats: { ...UNLIMITED_USER, bearer_token: true, allowed_connection_types: ['MQTT'], ...allowed, type: 'user', version: 2 },
      },
      now(),
    );
  /** NATS lets any user of the account connect under any client id, and ends the connection that had it: so nobody can guess another's. */
  const clientIdOf = async (id: HostId): Promise<string> => `${id}-${(await keys.secret(`nats client id ${id}`)).slice(0, 20)}`;
  const newUser = async (): Promise<string> => publicNkey('user', (await newKeyPair()).publicBytes);

  function accountClaims(cutOff: readonly CutOff[]): Promise<string> {
    const revocations = Object.fromEntries(
      cutOff.map(({ publicKey, atMs }) => [publicNkey('user', bytesOfBase64url(publicKey.x)), Math.floor(atMs / 1_000)]),
    );
    const nats = {
      limits: { ...UNLIMITED, ...WITH_JETSTREAM },
      default_permissions: { pub: {}, sub: {} },
      revocations,
      type: 'account',
      version: 2,
    };
    return natsToken(operator, { name: 'drover', sub: names.account, nats }, now());
  }

  async function loginAs(name: string, allowed: Allowed): Promise<Login> {
    return { username: name, clientId: `${name}-${text(16)}`, password: await userToken(await newUser(), name, allowed), subQos: 0 };
  }

  return {
    async hostLogin({ id, publicKey }) {
      const user = publicNkey('user', bytesOfBase64url(publicKey.x));
      const password = await userToken(user, id, ofHost(id));
      return { username: id, clientId: await clientIdOf(id), password, subQos: 0, expiresAtMs: now() + TOKEN_MS };
    },
    ownLogin: () => loginAs(CONTROL_PLANE, allOf('drover.v1')),
    checkLogin: () => loginAs(CHECKER, allOf(`drover.v1.${CHECK_CELL}`)),
    async takeoverLogin(hostId) {
      return {
        username: hostId,
        clientId: await clientIdOf(hostId),
        password: await userToken(await newUser(), hostId, NOTHING),
        subQos: 0,
      };
    },
    async refuse(cutOff) {
      const pair = await newKeyPair();
      const nats = { ...UNLIMITED_USER, type: 'user', version: 2 };
      const claims = { name: CONTROL_PLANE, sub: publicNkey('user', pair.publicBytes), exp: Math.floor(now() / 1_000) + 60, nats };
      const login = { token: await natsToken(system, claims, now()), seed: seedNkey('user', pair.seed) };
      await push(await accountClaims(cutOff), login);
    },
    async setup() {
      const nats = { system_account: names.system, type: 'operator', version: 2 };
      const systemNats = { limits: UNLIMITED, default_permissions: { pub: {}, sub: {} }, type: 'account', version: 2 };
      const operatorClaims = await natsToken(
        operator,
        { name: 'drover', sub: publicNkey('operator', operator.pair.publicBytes), nats },
        now(),
      );
      const systemClaims = await natsToken(operator, { name: 'SYS', sub: names.system, nats: systemNats }, now());
      return {
        'drover-accounts.conf': [
          `operator: ${operatorClaims}`,
          `system_account: ${names.system}`,
          'resolver_preload: {',
          `  ${names.system}: ${systemClaims}`,
          `  ${names.account}: ${await accountClaims([])}`,
          '}',
          '',
        ].join('\n'),
      };
    },
  };
}

const UNLIMITED_USER = { subs: -1, data: -1, payload: -1 };
const UNLIMITED = { ...UNLIMITED_USER, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 };
/** Its MQTT gateway keeps sessions in JetStream. */
const WITH_JETSTREAM = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };

interface Allowed {
  readonly pub: { readonly allow?: readonly string[]; readonly deny?: readonly string[] };
  readonly sub: { readonly allow?: readonly string[]; readonly deny?: readonly string[] };
}
/** MQTT's a/b/# means a/b as well, and the gateway asks for both. */
const ofHost = (id: string): Allowed => ({
  pub: { allow: [`drover.v1.*.${id}.up.>`] },
  sub: { allow: [`drover.v1.*.${id}.down`, `drover.v1.*.${id}.down.>`] },
});
const allOf = (prefix: string): Allowed => ({ pub: { allow: [`${prefix}.>`] }, sub: { allow: [`${prefix}.>`] } });
const NOTHING: Allowed = { pub: { deny: ['>'] }, sub: { deny: ['>'] } };
