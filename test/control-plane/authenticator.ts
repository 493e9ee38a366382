import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';

/** A passkey in software: makes and answers as a phone would, and lies where a test tells it to. */
export interface Authenticator {
  readonly id: string;
  /** The answer to navigator.credentials.create. */
  create(options: Asked, lies?: Lies): Record<string, unknown>;
  /** The answer to navigator.credentials.get. */
  get(options: Asked, lies?: Lies): Record<string, unknown>;
}

/** As loose as the options travel. */
type Asked = Readonly<Record<string, unknown>>;

interface Lies {
  readonly origin?: string;
  readonly rpId?: string;
  readonly counter?: number;
  readonly challenge?: string;
  readonly userVerified?: boolean;
}

const PRESENT = 0x01;
const VERIFIED = 0x04;
const ATTESTED = 0x40;

export function createAuthenticator(origin: string): Authenticator {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
  const credentialId = randomBytes(16);
  const id = credentialId.toString('base64url');
  let counter = 0;

  const clientData = (type: string, options: Asked, lies: Lies): Buffer =>
    Buffer.from(
      JSON.stringify({ type, challenge: lies.challenge ?? options.challenge, origin: lies.origin ?? origin, crossOrigin: false }),
    );

  function authenticatorData(lies: Lies, attested: Buffer): Buffer {
    const rpIdHash = createHash('sha256')
      .update(lies.rpId ?? new URL(origin).hostname)
      .digest();
    counter += 1;
    const head = Buffer.alloc(5);
    head[0] = PRESENT | ((lies.userVerified ?? true) ? VERIFIED : 0) | (attested.length > 0 ? ATTESTED : 0);
    head.writeUInt32BE(lies.counter ?? counter, 1);
    return Buffer.concat([rpIdHash, head, attested]);
  }

  /** EC2, ES256, P-256, as CBOR. */
  const coseKey = Buffer.concat([
    Buffer.from([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20]),
    Buffer.from(x, 'base64url'),
    Buffer.from([0x22, 0x58, 0x20]),
    Buffer.from(y, 'base64url'),
  ]);

  return {
    id,
    create(options, lies = {}) {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(credentialId.length);
      const data = authenticatorData(lies, Buffer.concat([Buffer.alloc(16), length, credentialId, coseKey]));
      const attestationObject = Buffer.concat([
        Buffer.from([0xa3]),
        text('fmt'),
        text('none'),
        text('attStmt'),
        Buffer.from([0xa0]),
        text('authData'),
        Buffer.from([0x59, data.length >> 8, data.length & 0xff]),
        data,
      ]);
      const response = {
        clientDataJSON: clientData('webauthn.create', options, lies).toString('base64url'),
        attestationObject: attestationObject.toString('base64url'),
        transports: ['internal'],
      };
      return { id, rawId: id, type: 'public-key', clientExtensionResults: {}, response };
    },
    get(options, lies = {}) {
      const said = clientData('webauthn.get', options, lies);
      const data = authenticatorData(lies, Buffer.alloc(0));
      const signed = Buffer.concat([data, createHash('sha256').update(said).digest()]);
      const response = {
        clientDataJSON: said.toString('base64url'),
        authenticatorData: data.toString('base64url'),
        signature: sign('sha256', signed, privateKey).toString('base64url'),
      };
      return { id, rawId: id, type: 'public-key', clientExtensionResults: {}, response };
    },
  };
}

/** A short text in CBOR. */
const text = (value: string): Buffer => Buffer.concat([Buffer.from([0x60 + value.length]), Buffer.from(value)]);
