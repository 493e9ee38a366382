import { Problem } from '@drover/shared/lib/problem';
import { Hono } from 'hono';
import { createAttempts } from './attempts.ts';
import type { AppDeps } from './deps.ts';
import { honoPath, mount } from './mount.ts';
import { problemResponse } from './problems.ts';
import { reply } from './reply.ts';
import type { Route } from './route.ts';
import { accessRoutes } from './routes/access.ts';
import { accountRoutes } from './routes/account.ts';
import { agentRoutes } from './routes/agent.ts';
import { auditRoutes } from './routes/audit.ts';
import { cellRoutes } from './routes/cells.ts';
import { directoryRoutes } from './routes/directories.ts';
import { directorySyncRoutes } from './routes/directory-sync.ts';
import { docsRoutes } from './routes/docs.ts';
import { eventRoutes } from './routes/events.ts';
import { explainRoutes } from './routes/explain.ts';
import { fabricRoutes } from './routes/fabric.ts';
import { groupRoutes } from './routes/groups.ts';
import { guestRoutes } from './routes/guests.ts';
import { hostFactsRoutes } from './routes/host-facts.ts';
import { hostReplaceRoutes } from './routes/host-replace.ts';
import { hostRoutes } from './routes/hosts.ts';
import { imageRoutes } from './routes/images.ts';
import { installRoutes } from './routes/install.ts';
import { openIdRoutes } from './routes/open-id.ts';
import { passkeyRoutes } from './routes/passkeys.ts';
import { poolRoutes } from './routes/pools.ts';
import { rightsRoutes } from './routes/rights.ts';
import { sessionRoutes } from './routes/session.ts';
import { sessionsRoutes } from './routes/sessions.ts';
import { signingKeyRoutes } from './routes/signing-key.ts';
import { taskRoutes } from './routes/tasks.ts';
import { upgradeRoutes } from './routes/upgrades.ts';
import { createUploadRoom, type UploadRoom } from './upload.ts';
import { watchEvents } from './watch.ts';
import { serveAsset } from './web-assets.ts';

/** The control plane's face: the REST API, the few calls of agents, and the page. Runs wherever there is fetch. */
export function createApp(deps: AppDeps): Hono {
  const room = createUploadRoom(deps);
  const routes = routesOf(deps, room);
  const app = new Hono();

  mount(app, routes, { store: deps.store, clock: deps.clock, addressOf: deps.addressOf });
  app.notFound(async (c) => (await assetOf(deps, c.req.raw)) ?? problemResponse(...refusalOf(routes, c.req.method, c.req.path)));
  app.onError((thrown, c) => {
    const hasLeft = c.req.raw.signal.aborted && !(thrown instanceof Problem);
    const problem = hasLeft ? new Problem('cancelled', 'the sender hung up', { cause: thrown }) : Problem.from(thrown);
    if (problem.code === 'internal') deps.log('a request failed', thrown);
    return problemResponse(problem, problem.retryAfterS === undefined ? {} : { 'retry-after': String(problem.retryAfterS) });
  });
  watchEvents({ ...deps, room });
  return app;
}

/** Every address there is. */
export function routesOf(deps: AppDeps, room: UploadRoom): readonly Route[] {
  const attempts = createAttempts(deps.clock);
  const routes: Route[] = [
    ...sessionRoutes(deps, attempts),
    ...sessionsRoutes(deps),
    ...accountRoutes(deps, attempts),
    ...passkeyRoutes(deps),
    ...openIdRoutes(deps, attempts),
    ...directoryRoutes(deps),
    ...directorySyncRoutes(deps),
    ...guestRoutes(deps),
    ...hostRoutes(deps),
    ...hostFactsRoutes(deps),
    ...hostReplaceRoutes(deps),
    ...cellRoutes(deps),
    ...imageRoutes(deps, room),
    ...fabricRoutes(deps),
    ...taskRoutes(deps),
    ...eventRoutes(deps),
    ...accessRoutes(deps),
    ...auditRoutes(deps),
    ...rightsRoutes(deps),
    ...explainRoutes(deps),
    ...groupRoutes(deps),
    ...poolRoutes(deps),
    ...signingKeyRoutes(deps),
    ...installRoutes(deps),
    ...upgradeRoutes(deps),
    ...agentRoutes(deps, attempts),
    ...docsRoutes(deps.version, () => routes),
  ];
  return routes;
}

async function assetOf({ webAssets }: AppDeps, request: Request): Promise<Response | null> {
  if (request.method !== 'GET' && request.method !== 'HEAD') return null;
  if (/^\/(api|agent|mqtt|relay)(\/|$)/.test(new URL(request.url).pathname)) return null;
  if (webAssets) return serveAsset(webAssets, request);
  return reply('The web page is not built: npm run build. The API is at /api.\n', {
    status: 404,
    headers: { 'content-type': 'text/plain; charset=utf-8' },
  });
}

function refusalOf(routes: readonly Route[], method: string, path: string): [Problem, Record<string, string>] {
  const there = routes.filter((route) =>
    new RegExp(`^${honoPath(route.path).replace(/:\w+/g, '[^/]+').replaceAll('.', '\\.')}$`).test(path),
  );
  if (there.length === 0)
    return [new Problem('not-found', `there is nothing at ${path}`, { suggestion: 'the page at /api lists what there is' }), {}];
  const allow = [...new Set(there.map((route) => route.method))].join(', ');
  return [new Problem('method-not-allowed', `${path} does not take ${method}, only ${allow}`), { allow }];
}
