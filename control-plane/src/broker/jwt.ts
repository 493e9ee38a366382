import { bytesOfBase64url } from '@drover/shared/lib/base64url';
import { SignJWT } from 'jose';
import type { BrokerKeys } from './broker-keys.ts';
import { CHECKER, CONTROL_PLANE, type Login, type Profile, type ProfilePorts } from './profile.ts';

/** Only to connect with: the broker must not end a connection when its token expires, or hosts would come back every minute. */
const TOKEN_MS = 45_000;

/** Any broker that takes a JWT as password: EMQX and others. HS256, which all of them know; the broker could let in whom it likes anyway. */
export function jwtProfile({ cell, now, text }: ProfilePorts, keys: BrokerKeys): Profile {
  const label = `token ${cell}`;

  async function token(username: string, clientId: string): Promise<string> {
    const key = bytesOfBase64url(await keys.secret(label));
    const nowS = Math.floor(now() / 1_000);
    return new SignJWT({ username, clientid: clientId })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setSubject(username)
      .setIssuedAt(nowS)
      .setExpirationTime(nowS + TOKEN_MS / 1_000)
      .sign(key);
  }

  async function loginAs(name: string): Promise<Login> {
    // Not to be guessed: whoever connects with the same ends this connection.
    const clientId = `${name}-${text(16)}`;
    return { username: name, clientId, password: await token(name, clientId), subQos: 1 };
  }

  return {
    async hostLogin({ id }) {
      return { username: id, clientId: id, password: await token(id, id), subQos: 1, expiresAtMs: now() + TOKEN_MS };
    },
    ownLogin: () => loginAs(CONTROL_PLANE),
    checkLogin: () => loginAs(CHECKER),
    takeoverLogin: async (hostId) => ({ username: hostId, clientId: hostId, password: await token(hostId, hostId), subQos: 1 }),
    setup: async () => ({ 'drover-token-secret.base64': btoa(String.fromCharCode(...bytesOfBase64url(await keys.secret(label)))) }),
  };
}
