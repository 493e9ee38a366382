import 'reflect-metadata';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  type Extension,
  type JsonGeneralNames,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { type BrokerKeys, ED25519, newKeyPair } from './broker-keys.ts';

/** The fleet's own certificate authority: for brokers that know hosts by their certificates, and for those that have no public one of their own. */
export interface CertificateAuthority {
  /** PEM. */
  readonly certificate: string;
  /** For a host's own key; nothing but the common name is said in it. */
  client(commonName: string, publicKey: CryptoKey, nowMs: number): Promise<string>;
  /** With a key made for it. */
  newClient(commonName: string, nowMs: number): Promise<CertificateAndKey>;
  /** For a broker that is reached under these names and addresses. */
  server(names: readonly string[], nowMs: number): Promise<CertificateAndKey>;
}

export interface CertificateAndKey {
  readonly certificate: string;
  readonly key: string;
}

/** The clocks of brokers may be this far behind ours. */
const BACKDATED_MS = 3_600_000;
/**
 * A client certificate is shown once, right after it was issued: brokers look at it when a connection begins. So it is of no use to
 * a host that was cut off in the meantime, and nobody needs to be told what was withdrawn.
 */
export const CLIENT_MS = 45_000;
const SERVER_MS = 10 * 365 * 86_400_000;
const SERVER_AUTHENTICATION = '1.3.6.1.5.5.7.3.1';
const CLIENT_AUTHENTICATION = '1.3.6.1.5.5.7.3.2';

export async function certificateAuthority(keys: BrokerKeys): Promise<CertificateAuthority> {
  const pair = await keys.keyPair('certificate authority');
  const authority = await X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: 'CN=Drover fleet',
    // Fixed, so that the same key always gives the same certificate.
    notBefore: new Date(Date.UTC(2025, 0, 1)),
    notAfter: new Date(Date.UTC(2075, 0, 1)),
    signingAlgorithm: ED25519,
    keys: pair,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(pair.publicKey),
    ],
  });

  async function issue(commonName: string, publicKey: CryptoKey, nowMs: number, lifeMs: number, extensions: Extension[]): Promise<string> {
    const certificate = await X509CertificateGenerator.create({
      serialNumber: serialNumber(),
      subject: `CN=${commonName}`,
      issuer: authority.subject,
      notBefore: new Date(nowMs - BACKDATED_MS),
      notAfter: new Date(nowMs + lifeMs),
      signingKey: pair.privateKey,
      publicKey,
      signingAlgorithm: ED25519,
      extensions: [new BasicConstraintsExtension(false, undefined, true), ...extensions],
    });
    return certificate.toString('pem');
  }
  const client: CertificateAuthority['client'] = (commonName, publicKey, nowMs) =>
    issue(commonName, publicKey, nowMs, CLIENT_MS, [new ExtendedKeyUsageExtension([CLIENT_AUTHENTICATION])]);

  return {
    certificate: authority.toString('pem'),
    client,
    async newClient(commonName, nowMs) {
      const own = await newKeyPair();
      return { certificate: await client(commonName, own.publicKey, nowMs), key: await pemOfKey(own.privateKey) };
    },
    async server(names, nowMs) {
      const own = await newKeyPair();
      const extensions = [
        new ExtendedKeyUsageExtension([SERVER_AUTHENTICATION]),
        new SubjectAlternativeNameExtension(names.map(generalName)),
      ];
      const certificate = await issue(names[0] ?? 'broker', own.publicKey, nowMs, SERVER_MS, extensions);
      return { certificate, key: await pemOfKey(own.privateKey) };
    },
  };
}

const generalName = (name: string): JsonGeneralNames[number] => ({ type: /^[\d.]+$|:/.test(name) ? 'ip' : 'dns', value: name });

export const pemOfKey = async (key: CryptoKey): Promise<string> =>
  PemConverter.encode(await crypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY');

/** Sixteen bytes, of which the first is small: a serial number is positive. */
const serialNumber = (): string =>
  `01${[...crypto.getRandomValues(new Uint8Array(15))].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
