import type { Vault } from '../../control-plane/src/vault.ts';

/** Seals nothing, but holds callers to the context that a secret was sealed for. */
export const openVault: Vault = {
  seal: async (text, context) => JSON.stringify({ context, text }),
  async open(sealed, context) {
    const kept: { context: string; text: string } = JSON.parse(sealed);
    if (kept.context !== context) throw new Error(`this was sealed for ${kept.context}, not for ${context}`);
    return kept.text;
  },
  isCurrent: () => true,
};
