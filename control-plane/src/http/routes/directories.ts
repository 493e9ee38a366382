import {
  CreateDirectory,
  DirectoriesView,
  DirectorySettings,
  DirectoryTestView,
  DirectoryView,
  EditDirectory,
  TestDirectory,
  TieDirectoryUser,
} from '@drover/shared/api/directories';
import { UserView } from '@drover/shared/api/views';
import { Problem, problemOfInput } from '@drover/shared/lib/problem';
import { newId } from '@drover/shared/model/id';
import { z } from 'zod';
import { mayGrant } from '../../core/access.ts';
import { EVERYTHING } from '../../core/things.ts';
import type { Directory } from '../../db/identity-store.ts';
import { addDirectory, editDirectory, removeDirectory, renameGroupsOf, seenInDirectory } from '../../db/identity-writes.ts';
import { SEALED_PLACES } from '../../db/sealed-places.ts';
import type { TestStep } from '../../identity/ldap.ts';
import { discover } from '../../identity/open-id.ts';
import { recordOf } from '../act.ts';
import type { AppDeps } from '../deps.ts';
import { directoryOf, ldapAccess, requireLdap } from '../ldap-directory.ts';
import { onAccess } from '../need.ts';
import { reply } from '../reply.ts';
import { type Route, rawRoute, route } from '../route.ts';
import type { Caller } from '../session.ts';
import { demandStandIn } from '../stand-in.ts';
import { userView } from '../views.ts';
import { openIdAccess } from './open-id.ts';
import { Ref } from './params.ts';

const PATH = '/api/v1/directories';
const params = z.object({ directory: Ref });

export function directoryRoutes(deps: AppDeps): Route[] {
  return [...keepRoutes(deps), editRoute(deps), testRoute(deps), tieRoute(deps)];
}

const directoryView = ({ id, name, kind, settings, secrets, enabled, createdAtMs, syncedAtMs }: Directory): DirectoryView => ({
  id,
  name,
  kind,
  enabled,
  settings: DirectorySettings.parse(settings),
  hasSecret: secrets !== '',
  createdAtMs,
  syncedAtMs,
});

const nameTaken = (name: string): Problem =>
  new Problem('name-taken', `there is a directory ${name} already`, { field: 'name', suggestion: 'choose another name' });

function keepRoutes({ store: { identity }, clock, random, identity: ports }: AppDeps): Route[] {
  return [
    route({
      method: 'GET',
      path: PATH,
      right: onAccess('Realm.Allocate'),
      tag: 'access',
      summary: 'List the directories that people may sign in by',
      response: DirectoriesView,
      handler: async () => ({ body: { items: (await identity.directories()).map(directoryView) } }),
    }),
    route({
      method: 'POST',
      path: PATH,
      right: onAccess('Realm.Allocate'),
      tag: 'access',
      summary: 'Add an OpenID Connect provider, or an LDAP server such as Active Directory',
      body: CreateDirectory,
      status: 201,
      response: DirectoryView,
      async handler(call) {
        const { body, caller } = call;
        const { secret, ...settings } = body;
        demandGrantable(caller, settings.role);
        const id = newId('directory', random);
        const added: Directory = {
          id,
          name: settings.name,
          kind: settings.kind,
          settings,
          secrets: secret === undefined ? '' : await ports.vault.seal(secret, SEALED_PLACES.directorySecrets.context(id)),
          enabled: settings.enabled,
          createdAtMs: clock.now(),
          syncedAtMs: null,
        };
        if (
          !(await identity.write(
            [addDirectory(added)],
            recordOf(call, clock.now(), { kind: 'directory', id: added.id, name: added.name, detail: 'added' }),
          ))
        )
          throw nameTaken(settings.name);
        return { body: directoryView(added) };
      },
    }),
    rawRoute({
      method: 'DELETE',
      path: `${PATH}/{directory}`,
      right: onAccess('Realm.Allocate'),
      tag: 'access',
      summary: 'Remove a directory. Its users stay, and can no longer sign in by it',
      params,
      answers: { status: 204, contentType: null, description: 'Removed' },
      async handler(call) {
        const { params } = call;
        const directory = await directoryOf(identity, params.directory);
        await identity.write(
          removeDirectory(directory),
          recordOf(call, clock.now(), { kind: 'directory', id: directory.id, name: directory.name, detail: 'removed' }),
        );
        return reply(null, { status: 204 });
      },
    }),
  ];
}

function editRoute({ store: { identity }, clock, identity: ports }: AppDeps): Route {
  return route({
    method: 'PATCH',
    path: `${PATH}/{directory}`,
    right: onAccess('Realm.Allocate'),
    tag: 'access',
    summary: 'Change settings of a directory, its name or its secret',
    params,
    body: EditDirectory,
    response: DirectoryView,
    async handler(call) {
      const { params, body, caller } = call;
      const directory = await directoryOf(identity, params.directory);
      const parsed = DirectorySettings.safeParse({ ...directory.settings, ...body.settings, kind: directory.kind });
      if (!parsed.success) throw problemOfInput(parsed.error, 'the settings');
      const { secret } = body;
      const secrets =
        secret === undefined
          ? directory.secrets
          : secret === null
            ? ''
            : await ports.vault.seal(secret, SEALED_PLACES.directorySecrets.context(directory.id));
      const { name, enabled, role } = parsed.data;
      demandGrantable(caller, role);
      const edited = { name, enabled, settings: parsed.data, secrets };
      const fields = [...Object.keys(body.settings), ...(secret === undefined ? [] : ['secret'])].join(', ');
      const statements = [renameGroupsOf(directory.name, name), editDirectory(directory.id, edited)];
      if (
        !(await identity.write(
          statements,
          recordOf(call, clock.now(), { kind: 'directory', id: directory.id, name: directory.name, detail: fields }),
        ))
      )
        throw nameTaken(name);
      return { body: directoryView({ ...directory, ...edited }) };
    },
  });
}

function testRoute(deps: AppDeps): Route {
  return route({
    method: 'POST',
    path: `${PATH}/{directory}/test`,
    right: onAccess('Realm.Allocate'),
    tag: 'access',
    summary: 'Try whether a directory can be asked, step by step; with a name and password, also to sign that person in',
    params,
    body: TestDirectory,
    response: DirectoryTestView,
    async handler({ params, body }) {
      const directory = await directoryOf(deps.store.identity, params.directory);
      const person = body.name === undefined ? null : { name: body.name, password: body.password ?? null };
      const steps =
        directory.kind === 'oidc'
          ? await testProvider(deps, directory)
          : await requireLdap(deps).test(await ldapAccess(deps, directory), person);
      return { body: { works: steps.every(({ works }) => works), steps: [...steps] } };
    },
  });
}

async function testProvider(deps: AppDeps, directory: Directory): Promise<readonly TestStep[]> {
  const step = 'ask the provider about itself';
  try {
    const metadata = (await discover(await openIdAccess(deps, directory))).serverMetadata();
    return [{ step, works: true, detail: metadata.issuer, suggestion: null }];
  } catch (thrown) {
    const problem = Problem.from(thrown);
    return [{ step, works: false, detail: problem.message, suggestion: problem.suggestion ?? null }];
  }
}

function demandGrantable({ rights }: Caller, role: string | null): void {
  if (role === null) return;
  if (!rights.facts.roles.has(role))
    throw new Problem('not-found', `there is no role ${role}`, { field: 'role', suggestion: 'drover role list' });
  if (!mayGrant(rights, role, EVERYTHING))
    throw new Problem('not-allowed', `you cannot give away ${role} on everything`, { field: 'role' });
}

function tieRoute({ store, clock }: AppDeps): Route {
  const { access, identity } = store;
  return route({
    method: 'POST',
    path: `${PATH}/{directory}/users`,
    right: onAccess('Realm.AllocateUser'),
    tag: 'access',
    summary: 'Say which user here somebody of the directory is, by what the directory calls them for ever',
    params,
    body: TieDirectoryUser,
    status: 201,
    response: UserView,
    async handler(call) {
      const { params, body, caller } = call;
      const directory = await directoryOf(identity, params.directory);
      const user = await access.user(body.user);
      if (!user) throw new Problem('not-found', `there is no user ${body.user}`, { field: 'user' });
      // Whom the directory lets in as this user has all that the user has.
      await demandStandIn(caller, user, store);
      const tied = await identity.directoryUser(directory.id, body.subject);
      if (tied && tied.userId !== user.id) throw new Problem('in-use', `that is ${tied.user.name} already`, { field: 'subject' });
      await identity.write(
        [
          seenInDirectory({
            directoryId: directory.id,
            subject: body.subject,
            userId: user.id,
            groups: tied?.groups ?? [],
            seenAtMs: clock.now(),
          }),
        ],
        recordOf(call, clock.now(), { kind: 'user', id: user.id, name: user.name, detail: `is ${body.subject} of ${directory.name}` }),
      );
      return { body: userView(user, caller.rights.facts) };
    },
  });
}
