import { base64url, bytesOfBase64url } from '@drover/shared/lib/base64url';

/** Ed25519 keys and shared secrets for brokers, all from one secret of 32 bytes: whoever serves the fleet holds the same, and nothing else is kept. */
export interface BrokerKeys {
  /** The same label gives the same key, for ever. */
  keyPair(label: string): Promise<BrokerKeyPair>;
  /** 43 characters of base64url. */
  secret(label: string): Promise<string>;
}

export interface BrokerKeyPair extends CryptoKeyPair {
  readonly seed: Uint8Array<ArrayBuffer>;
  readonly publicBytes: Uint8Array<ArrayBuffer>;
}

export const ED25519 = { name: 'Ed25519' };

export function brokerKeys(root: Uint8Array<ArrayBuffer>): BrokerKeys {
  const known = new Map<string, Promise<BrokerKeyPair>>();
  return {
    keyPair(label) {
      const pair = known.get(label) ?? derived(root, label).then(keyPairOf);
      known.set(label, pair);
      return pair;
    },
    secret: async (label) => base64url(await derived(root, label)),
  };
}

async function derived(root: Uint8Array<ArrayBuffer>, label: string): Promise<Uint8Array<ArrayBuffer>> {
  const key = await crypto.subtle.importKey('raw', root, 'HKDF', false, ['deriveBits']);
  const parameters = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(0), info: new TextEncoder().encode(`drover broker ${label}`) };
  return new Uint8Array(await crypto.subtle.deriveBits(parameters, key, 256));
}

/** RFC 8410: what stands before the 32 bytes of a private Ed25519 key. */
const PKCS8 = Uint8Array.from([0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20]);

async function keyPairOf(seed: Uint8Array<ArrayBuffer>): Promise<BrokerKeyPair> {
  const privateKey = await crypto.subtle.importKey('pkcs8', Uint8Array.from([...PKCS8, ...seed]), ED25519, true, ['sign']);
  const { x } = await crypto.subtle.exportKey('jwk', privateKey);
  const publicBytes = bytesOfBase64url(x ?? '');
  const publicKey = await crypto.subtle.importKey('raw', publicBytes, ED25519, true, ['verify']);
  return { privateKey, publicKey, seed, publicBytes };
}

/** A key for once: nobody can derive it again. */
export async function newKeyPair(): Promise<BrokerKeyPair> {
  return keyPairOf(crypto.getRandomValues(new Uint8Array(32)));
}

export const importPublicKey = (x: string): Promise<CryptoKey> =>
  crypto.subtle.importKey('raw', bytesOfBase64url(x), ED25519, true, ['verify']);
