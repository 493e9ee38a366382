import type { Signer } from '../../control-plane/src/signer.ts';

const SEAL = 'simulated.';
const FORGED = 'forged.';

/** Signatures are tested elsewhere: here they only keep the bytes intact. */
export const simulatedSigner: Signer = {
  keyId: 'simulated',
  publicKeys: [],
  succession: [],
  rotate: async () => {},
  sign: async (payload) => seal(payload),
  verify: async (jws) => openSeal(jws),
};

/** What the control plane alone can make. */
export const seal = (payload: unknown): string => `${SEAL}${JSON.stringify(payload)}`;

/** What somebody can make who has not got the key. */
export const forged = (payload: unknown): string => `${FORGED}${JSON.stringify(payload)}`;

export const isSealed = (text: string): boolean => text.startsWith(SEAL);

export function openSeal(jws: string): Record<string, unknown> {
  if (!isSealed(jws)) throw new Error('not signed');
  return contentOf(jws);
}

/** Whoever has put the seal on it. */
export const contentOf = (jws: string): Record<string, unknown> => JSON.parse(jws.slice(jws.indexOf('.') + 1));
