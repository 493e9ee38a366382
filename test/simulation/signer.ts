import type { Signer } from '../../control-plane/src/signer.ts';

const SEAL = 'simulated.';

/** Signatures are tested elsewhere: here they only keep the bytes intact. */
export const simulatedSigner: Signer = {
  keyId: 'simulated',
  publicKeys: [],
  succession: [],
  rotate: async () => {},
  sign: async (payload) => `${SEAL}${JSON.stringify(payload)}`,
  verify: async (jws) => openSeal(jws),
};

export const isSealed = (text: string): boolean => text.startsWith(SEAL);

export function openSeal(jws: string): Record<string, unknown> {
  if (!isSealed(jws)) throw new Error('not signed');
  return JSON.parse(jws.slice(SEAL.length));
}
