import { SigningKeyView } from '@drover/shared/api/views';
import { Problem } from '@drover/shared/lib/problem';
import { fingerprintOfKey } from '@drover/shared/protocol/host-key';
import { Nothing } from '../components.ts';
import type { AppDeps } from '../deps.ts';
import { onEverything } from '../need.ts';
import { type Route, route } from '../route.ts';

/** The key that commands are signed with. Its private half cannot be asked for: the port has no word for it. */
export function signingKeyRoutes({ signer }: AppDeps): Route[] {
  function view(): SigningKeyView {
    const [key] = signer.publicKeys;
    if (!key) throw new Problem('internal', 'there is no signing key');
    return { keyId: signer.keyId, fingerprint: fingerprintOfKey(key), rotations: signer.succession.length };
  }
  return [
    route({
      method: 'GET',
      path: '/api/v1/signing-key',
      right: onEverything('Sys.Audit'),
      tag: 'hosts',
      summary: 'The public half of the key that commands are signed with',
      response: SigningKeyView,
      handler: async () => ({ body: view() }),
    }),
    route({
      method: 'POST',
      path: '/api/v1/signing-key/rotate',
      right: onEverything('Sys.Modify'),
      tag: 'hosts',
      summary: 'Sign commands with a new key from now on',
      description: 'Hosts learn of it on the word of the one before, when they next connect, however long they were away.',
      body: Nothing,
      response: SigningKeyView,
      async handler() {
        await signer.rotate();
        return { body: view() };
      },
    }),
  ];
}
