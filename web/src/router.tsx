import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from '@tanstack/react-router';
import { Skeleton } from './kit/skeleton.tsx';
import { later } from './later.ts';
import { GuestsPage } from './pages/guests.tsx';
import { Broken } from './parts/broken.tsx';
import { NotFound } from './parts/not-found.tsx';
import { Shell } from './parts/shell.tsx';
import { AccountGate } from './session/gate.tsx';

/** A member of the address, when it is one of these words. */
const oneOf =
  <V extends string>(...words: readonly V[]) =>
  (value: unknown): V | undefined =>
    words.find((word) => word === value);
const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

/** Only the members that are there, so that the address stays short. */
function only<T extends Record<string, string | undefined>>(members: T): { [K in keyof T]?: NonNullable<T[K]> } {
  // Sound: what is left out is exactly what was undefined.
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as { [K in keyof T]?: NonNullable<T[K]> };
}

const root = createRootRoute({ notFoundComponent: NotFound });

const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  component: lazyRouteComponent(
    later(() => import('./pages/sign-in.tsx')),
    'SignInPage',
  ),
});

/** Everything but the way in needs a session, and has the places around it. */
const signedIn = createRoute({
  getParentRoute: () => root,
  id: 'signed-in',
  component: () => (
    <AccountGate>
      <Shell />
    </AccountGate>
  ),
});

const home = createRoute({
  getParentRoute: () => signedIn,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: '/guests', replace: true });
  },
});

const guests = createRoute({
  getParentRoute: () => signedIn,
  path: '/guests',
  validateSearch: (search) =>
    only({
      search: text(search.search),
      host: text(search.host),
      state: oneOf('running', 'stopped')(search.state),
      type: oneOf('container', 'vm')(search.type),
      sheet: oneOf('shutdown')(search.sheet),
      guest: text(search.guest),
    }),
  component: GuestsPage,
});

const newGuest = createRoute({
  getParentRoute: () => signedIn,
  path: '/guests/new',
  validateSearch: (search) =>
    only({
      type: oneOf('container', 'vm')(search.type),
      image: text(search.image),
      size: text(search.size),
      host: text(search.host),
    }),
  component: lazyRouteComponent(
    later(() => import('./pages/new-guest.tsx')),
    'NewGuestPage',
  ),
});

const guest = createRoute({
  getParentRoute: () => signedIn,
  path: '/guests/$guestId',
  validateSearch: (search) => only({ sheet: oneOf('shutdown', 'reboot', 'stop', 'delete', 'edit')(search.sheet) }),
  component: lazyRouteComponent(
    later(() => import('./pages/guest.tsx')),
    'GuestPage',
  ),
});

const hosts = createRoute({
  getParentRoute: () => signedIn,
  path: '/hosts',
  validateSearch: (search) => only({ sheet: oneOf('add')(search.sheet) }),
  component: lazyRouteComponent(
    later(() => import('./pages/hosts.tsx')),
    'HostsPage',
  ),
});

const host = createRoute({
  getParentRoute: () => signedIn,
  path: '/hosts/$hostId',
  validateSearch: (search) => only({ sheet: oneOf('edit', 'remove', 'replace', 'reboot', 'shutdown')(search.sheet) }),
  component: lazyRouteComponent(
    later(() => import('./pages/host.tsx')),
    'HostPage',
  ),
});

const activity = createRoute({
  getParentRoute: () => signedIn,
  path: '/activity',
  validateSearch: (search) => only({ state: oneOf('active', 'finished')(search.state) }),
  component: lazyRouteComponent(
    later(() => import('./pages/activity.tsx')),
    'ActivityPage',
  ),
});

const task = createRoute({
  getParentRoute: () => signedIn,
  path: '/activity/$taskId',
  component: lazyRouteComponent(
    later(() => import('./pages/task.tsx')),
    'TaskPage',
  ),
});

const account = createRoute({
  getParentRoute: () => signedIn,
  path: '/account',
  component: lazyRouteComponent(
    later(() => import('./pages/account.tsx')),
    'AccountPage',
  ),
});

export const router = createRouter({
  routeTree: root.addChildren([signIn, signedIn.addChildren([home, guests, newGuest, guest, hosts, host, activity, task, account])]),
  scrollRestoration: true,
  defaultPreload: 'intent',
  defaultPendingComponent: () => <Skeleton rows={4} />,
  defaultErrorComponent: Broken,
  // Plain words in the address: ?search=107 and not ?search="107".
  parseSearch: (search) => Object.fromEntries(new URLSearchParams(search)),
  stringifySearch: (search) => {
    const parameters = new URLSearchParams();
    for (const [name, value] of Object.entries(search)) if (typeof value === 'string' && value !== '') parameters.set(name, value);
    const query = parameters.toString();
    return query === '' ? '' : `?${query}`;
  },
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
  interface HistoryState {
    /** This entry was made by opening a sheet: "back" closes it. */
    sheet?: boolean;
  }
}
