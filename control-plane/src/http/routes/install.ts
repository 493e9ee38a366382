import { Problem } from '@drover/shared/lib/problem';
import { AGENT_PACKAGE_PATH, type PublicKey, RELEASE_PATH, type ReleaseClaims, ReleaseReply } from '@drover/shared/protocol/agent-api';
import type { AgentPackageFile, AppDeps } from '../deps.ts';
import { installScript } from '../install-script.ts';
import { hostUrl } from '../origin.ts';
import { reply } from '../reply.ts';
import { type Route, rawRoute, route } from '../route.ts';

/** What a plain Debian needs to become a host: a script to pipe into a shell, and the package that it fetches. */
export function installRoutes(deps: AppDeps): Route[] {
  function made(): AgentPackageFile {
    if (deps.agentPackage) return deps.agentPackage;
    throw new Problem('not-found', 'this control plane was built without the agent’s package', { suggestion: 'npm run build' });
  }
  function signingKey(): PublicKey {
    const [publicKey] = deps.signer.publicKeys;
    if (!publicKey) throw new Problem('internal', 'this control plane has no signing key');
    return publicKey;
  }
  return [
    rawRoute({
      method: 'GET',
      path: '/install.sh',
      right: 'public',
      tag: 'hosts',
      summary: 'curl -fsSL …/install.sh | sudo sh -s -- --token …: makes a plain Debian a host',
      answers: { status: 200, contentType: 'text/x-shellscript', description: 'The script' },
      handler: ({ request }) =>
        reply(installScript(hostUrl(deps, request), made().about, signingKey()), {
          headers: { 'content-type': 'text/x-shellscript; charset=utf-8', 'cache-control': 'no-cache' },
        }),
    }),
    route({
      method: 'GET',
      path: RELEASE_PATH,
      right: 'public',
      tag: 'hosts',
      summary: 'The word of this control plane’s key on the package of the agent',
      response: ReleaseReply,
      async handler() {
        const { version, build, sha256, sizeBytes } = made().about;
        const claims: ReleaseClaims = { aud: 'drover-release', version, build, sha256, sizeBytes };
        return { body: { jws: await deps.signer.sign(claims), publicKey: signingKey() } };
      },
    }),
    rawRoute({
      method: 'GET',
      path: AGENT_PACKAGE_PATH,
      right: 'public',
      tag: 'hosts',
      summary: 'The Debian package of the agent, of this control plane’s version',
      answers: { status: 200, contentType: 'application/vnd.debian.binary-package', description: 'The package' },
      async handler() {
        const { about, bytes } = made();
        return reply(await bytes(), {
          headers: {
            'content-type': 'application/vnd.debian.binary-package',
            'content-disposition': `attachment; filename="${about.name}"`,
            'cache-control': 'no-cache',
            'etag': `"${about.sha256}"`,
          },
        });
      },
    }),
  ];
}
