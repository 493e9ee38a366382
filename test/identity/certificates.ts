import 'reflect-metadata';
import { BasicConstraintsExtension, PemConverter, SubjectAlternativeNameExtension, X509CertificateGenerator } from '@peculiar/x509';

/** An authority for one test, and the certificates that it signs. */
export interface Authority {
  /** PEM. */
  readonly certificate: string;
  server(name: string, validity?: { readonly expired?: boolean }): Promise<{ readonly certificate: string; readonly key: string }>;
}

const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY_MS = 86_400_000;

export async function createAuthority(name: string): Promise<Authority> {
  const keys = await crypto.subtle.generateKey(P256, true, ['sign', 'verify']);
  const nowMs = Date.now();
  const authority = await X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: `CN=${name}`,
    notBefore: new Date(nowMs - 30 * DAY_MS),
    notAfter: new Date(nowMs + 30 * DAY_MS),
    signingAlgorithm: P256,
    keys,
    extensions: [new BasicConstraintsExtension(true, 0, true)],
  });
  return {
    certificate: authority.toString('pem'),
    async server(host, { expired = false } = {}) {
      const own = await crypto.subtle.generateKey(P256, true, ['sign', 'verify']);
      const issued = await X509CertificateGenerator.create({
        serialNumber: '02',
        subject: `CN=${host}`,
        issuer: authority.subject,
        notBefore: new Date(nowMs - 20 * DAY_MS),
        notAfter: new Date(nowMs + (expired ? -1 : 10) * DAY_MS),
        signingAlgorithm: P256,
        publicKey: own.publicKey,
        signingKey: keys.privateKey,
        extensions: [new SubjectAlternativeNameExtension([{ type: 'dns', value: host }])],
      });
      const key = PemConverter.encode(await crypto.subtle.exportKey('pkcs8', own.privateKey), 'PRIVATE KEY');
      return { certificate: issued.toString('pem'), key };
    },
  };
}
