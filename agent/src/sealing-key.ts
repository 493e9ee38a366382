import { createPrivateKey, createPublicKey, hkdfSync, type KeyObject } from 'node:crypto';
import { Problem } from '@drover/shared/lib/problem';
import type { HostId } from '@drover/shared/model/id';
import { type SealedForHost, SealedHeader, SealingKey } from '@drover/shared/protocol/sealed';
import { compactDecrypt } from 'jose';

/** RFC 8410: what stands before the 32 bytes of a private X25519 key. */
const PKCS8 = Buffer.from('302e020100300506032b656e04220420', 'hex');

/** Derived from the private half of the host's own key: there is nothing more to keep, and it changes when that does. */
function privateKeyOf(d: string): KeyObject {
  const bytes = Buffer.from(hkdfSync('sha256', Buffer.from(d, 'base64url'), '', 'drover sealing key', 32));
  return createPrivateKey({ key: Buffer.concat([PKCS8, bytes]), format: 'der', type: 'pkcs8' });
}

/** What the control plane seals to. `d`: of the host's own key. */
export const sealingKeyOf = (d: string): SealingKey => SealingKey.parse(createPublicKey(privateKeyOf(d)).export({ format: 'jwk' }).x);

/** What was sealed for this host and this place. Throws Problem, which never says what is within. */
export async function openSealed(
  sealed: SealedForHost,
  d: string,
  meant: { readonly host: HostId; readonly context: string },
): Promise<string> {
  const { plaintext, header } = await opened(sealed, privateKeyOf(d));
  if (header.host === meant.host && header.context === meant.context) return new TextDecoder().decode(plaintext);
  throw new Problem('not-allowed', `a secret for ${header.context} of ${header.host} was sent for ${meant.context} of ${meant.host}`);
}

async function opened(sealed: SealedForHost, key: KeyObject): Promise<{ readonly plaintext: Uint8Array; readonly header: SealedHeader }> {
  try {
    const algorithms = { keyManagementAlgorithms: ['ECDH-ES'], contentEncryptionAlgorithms: ['A256GCM'] };
    const { plaintext, protectedHeader } = await compactDecrypt(sealed, key, algorithms);
    return { plaintext, header: SealedHeader.parse(protectedHeader) };
  } catch {
    // Why it fails is nobody's business who sends such things.
    throw new Problem('not-allowed', 'a secret was not sealed to the key of this host, or was changed', {
      suggestion: 'has the key of the host changed? The control plane knows the new one once the host has connected with it',
    });
  }
}
