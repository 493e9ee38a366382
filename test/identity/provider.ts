import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';
import { freePort } from '../contract/broker-programs.ts';

/** A real OpenID Connect provider. Who signs in there is asked nothing: the test says who it is. */
export interface RunningProvider {
  readonly issuer: string;
  /** Who sits before it. */
  person: { sub: string; claims: Record<string, unknown> } | null;
  close(): Promise<void>;
}

export const CLIENT = { id: 'drover', secret: 'the-secret-of-the-client-of-drover' };

export async function startProvider(redirectUri: string): Promise<RunningProvider> {
  const port = await freePort();
  const issuer = `http://127.0.0.1:${port}`;
  const running: { person: RunningProvider['person'] } = { person: null };
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: CLIENT.id,
        client_secret: CLIENT.secret,
        redirect_uris: [redirectUri],
        response_types: ['code'],
        grant_types: ['authorization_code'],
        token_endpoint_auth_method: 'client_secret_post',
      },
    ],
    pkce: { required: () => true },
    claims: { openid: ['sub'], profile: ['preferred_username', 'groups'] },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_context, sub) => ({ accountId: sub, claims: () => ({ sub, ...running.person?.claims }) }),
    cookies: { keys: ['a key of the test'] },
  });
  const answer = provider.callback();
  const server = createServer((request, response) => {
    if (!request.url?.startsWith('/interaction/')) return void answer(request, response);
    void decide().catch((error: unknown) => response.writeHead(500).end(String(error)));

    async function decide(): Promise<void> {
      const { prompt, params, session, grantId } = await provider.interactionDetails(request, response);
      if (running.person === null) {
        return provider.interactionFinished(request, response, { error: 'access_denied', error_description: 'cancelled' });
      }
      if (prompt.name === 'login') return provider.interactionFinished(request, response, { login: { accountId: running.person.sub } });
      const known = grantId ? await provider.Grant.find(grantId) : undefined;
      const grant = known ?? new provider.Grant({ accountId: session?.accountId ?? '', clientId: String(params.client_id) });
      grant.addOIDCScope(String(params.scope));
      return provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } });
    }
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    issuer,
    get person() {
      return running.person;
    },
    set person(person) {
      running.person = person;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
