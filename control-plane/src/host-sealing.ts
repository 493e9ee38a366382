import { Problem } from '@drover/shared/lib/problem';
import type { HostId } from '@drover/shared/model/id';
import { SealedForHost, type SealedHeader, type SealingKey } from '@drover/shared/protocol/sealed';
import { CompactEncrypt, importJWK } from 'jose';

/** Where the keys are that hosts want secrets sealed to. */
export interface SealingKeyStore {
  /** Null: the host has told none. */
  sealingKey(hostId: HostId): Promise<SealingKey | null>;
  /** Nothing happens when it is known already, or the host is not. */
  learnSealingKey(hostId: HostId, key: SealingKey): Promise<void>;
}

/**
 * Seals a text so that this one host can open it, for this one place, as "guest 107 userData". Each time it is another text: what goes into a
 * wish is sealed once for each generation, and again when the key of the host has changed. Throws Problem when it has told none.
 */
export async function sealForHost(store: SealingKeyStore, host: HostId, text: string, context: string): Promise<SealedForHost> {
  const x = await store.sealingKey(host);
  if (x === null) {
    throw new Problem('unsupported', `the agent of ${host} cannot be sent secrets`, { suggestion: 'upgrade it: drover host upgrade' });
  }
  const header: SealedHeader = { alg: 'ECDH-ES', enc: 'A256GCM', typ: 'drover-sealed', host, context };
  const key = await importJWK({ kty: 'OKP', crv: 'X25519', x }, header.alg);
  return SealedForHost.parse(await new CompactEncrypt(new TextEncoder().encode(text)).setProtectedHeader(header).encrypt(key));
}
