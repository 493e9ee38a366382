import { isIP } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import type { LdapSettings } from '@drover/shared/api/directories';
import { Problem } from '@drover/shared/lib/problem';
import { Client, type Entry, InvalidCredentialsError } from 'ldapts';
import { type Ldap, type LdapAccess, type LdapPerson, personFilter, type TestStep } from '../identity/ldap.ts';
import { groupsOf, type LdapGroup } from '../identity/ldap-groups.ts';
import { type LdapStage, ldapProblem } from '../identity/ldap-problems.ts';

const CONNECT_MS = 5_000;
const ANSWER_MS = 15_000;
const PAGE = 500;
const MEMBER_ATTRIBUTES = ['member', 'uniqueMember', 'memberUid'];

/** LDAP by sockets of Node. */
export const nodeLdap: Ldap = {
  signIn: (access, name, password) =>
    withServer(access, async (talk) => {
      const entry = await findPerson(talk, access.settings, name);
      if (!entry || !(await isPassword(access, talk.server, entry.dn, password))) return null;
      return personOf(entry, access.settings, await groupsIn(talk, access.settings));
    }),
  everybody: (access) =>
    withServer(access, async (talk) => {
      const { settings } = access;
      const groups = await groupsIn(talk, settings);
      const entries = await talk.search('search', settings.baseDn, settings.userFilter, [settings.userAttribute, settings.idAttribute]);
      return entries.filter((entry) => textOf(entry, settings.userAttribute) !== '').map((entry) => personOf(entry, settings, groups));
    }),
  test: testSteps,
};

interface Talk {
  readonly server: string;
  search(stage: LdapStage, base: string, filter: string, attributes: readonly string[], sizeLimit?: number): Promise<Entry[]>;
}

/** The first server that can be reached is asked; what it answers counts, whatever another would have said. */
async function withServer<T>(access: LdapAccess, run: (talk: Talk) => Promise<T>): Promise<T> {
  let unreached: unknown;
  for (const server of access.settings.servers) {
    const client = clientOf(access.settings, server);
    try {
      try {
        await greet(client, access, server);
      } catch (thrown) {
        unreached = thrown;
        continue;
      }
      await bind(client, access, server);
      return await run(talkOf(client, access, server));
    } finally {
      // It may never have been connected: there is nobody to say goodbye to then.
      await client.unbind().catch(() => undefined);
    }
  }
  throw unreached;
}

function talkOf(client: Client, access: LdapAccess, server: string): Talk {
  return {
    server,
    search: (stage, base, filter, attributes, sizeLimit) =>
      explained(stage, access, server, async () => {
        const { searchEntries } = await client.search(base, {
          scope: 'sub',
          filter,
          attributes: [...attributes],
          explicitBufferAttributes: ['objectGUID'],
          ...(sizeLimit === undefined ? { paged: { pageSize: PAGE } } : { sizeLimit }),
        });
        return searchEntries;
      }),
  };
}

function clientOf(settings: LdapSettings, server: string): Client {
  const scheme = settings.mode === 'ldaps' ? 'ldaps' : 'ldap';
  return new Client({
    url: `${scheme}://${server}`,
    connectTimeout: CONNECT_MS,
    timeout: ANSWER_MS,
    ...(settings.mode === 'ldaps' ? { tlsOptions: tlsOptionsOf(settings, server) } : {}),
  });
}

function tlsOptionsOf({ ca, verify }: LdapSettings, server: string): ConnectionOptions {
  const host = server.replace(/:\d+$/, '');
  return { minVersion: 'TLSv1.2', rejectUnauthorized: verify, ...(isIP(host) ? {} : { servername: host }), ...(ca === null ? {} : { ca }) };
}

/** Connected, and over TLS if that is wished: nothing secret is said before. */
async function greet(client: Client, access: LdapAccess, server: string): Promise<void> {
  const { settings } = access;
  if (settings.mode === 'starttls') return explained('tls', access, server, () => client.startTLS(tlsOptionsOf(settings, server)));
  // There is no such thing as a greeting: an anonymous look at the root, which every server allows, tells whether it can be reached.
  await explained('reach', access, server, async () => {
    try {
      await client.search('', { scope: 'base', filter: '(objectClass=*)', attributes: ['1.1'], sizeLimit: 1 });
    } catch (thrown) {
      // An answer is an answer, whatever it says.
      if (!(thrown instanceof Error) || !('code' in thrown) || typeof thrown.code !== 'number') throw thrown;
    }
  });
}

async function bind(client: Client, access: LdapAccess, server: string): Promise<void> {
  const { bindDn } = access.settings;
  if (bindDn === null) return;
  await explained('bind', access, server, async () => {
    // A server takes an empty password for nobody in particular, and lets them in as such.
    if (access.secret === null || access.secret === '')
      throw new Problem('unsupported', 'there is a bind DN and no password for it', { suggestion: 'set its password' });
    await client.bind(bindDn, access.secret);
  });
}

async function isPassword(access: LdapAccess, server: string, dn: string, password: string): Promise<boolean> {
  if (password === '') return false;
  const client = clientOf(access.settings, server);
  try {
    await greet(client, access, server);
    await client.bind(dn, password);
    return true;
  } catch (thrown) {
    if (thrown instanceof InvalidCredentialsError) return false;
    throw ldapProblem(thrown, 'bind', { ...access.settings, server });
  } finally {
    await client.unbind().catch(() => undefined);
  }
}

async function findPerson(talk: Talk, settings: LdapSettings, name: string): Promise<Entry | null> {
  const found = await talk.search(
    'search',
    settings.baseDn,
    personFilter(settings, name),
    [settings.userAttribute, settings.idAttribute],
    2,
  );
  if (found.length > 1) {
    throw new Problem('unsupported', `the directory knows several people as ${name}`, { suggestion: 'make the filter of users narrower' });
  }
  return found[0] ?? null;
}

async function groupsIn(talk: Talk, { groupBaseDn, groupFilter, groupAttribute }: LdapSettings): Promise<readonly LdapGroup[] | null> {
  if (groupBaseDn === null) return null;
  const entries = await talk.search('groups', groupBaseDn, groupFilter, [groupAttribute, ...MEMBER_ATTRIBUTES]);
  return entries.map((entry) => ({
    dn: entry.dn,
    name: textOf(entry, groupAttribute),
    members: MEMBER_ATTRIBUTES.flatMap((attribute) => textsOf(entry, attribute)),
  }));
}

function personOf(entry: Entry, settings: LdapSettings, groups: readonly LdapGroup[] | null): LdapPerson {
  const name = textOf(entry, settings.userAttribute);
  const subject = textOf(entry, settings.idAttribute);
  if (subject === '') {
    throw new Problem('unsupported', `${entry.dn} has no ${settings.idAttribute}, by which we would know them again`, {
      suggestion: 'name an attribute that never changes: entryUUID, or objectGUID in Active Directory',
    });
  }
  return { dn: entry.dn, subject, name, groups: groups && groupsOf({ dn: entry.dn, name }, groups, { nested: settings.nestedGroups }) };
}

function textsOf(entry: Entry, attribute: string): readonly string[] {
  // Servers answer with the attribute's own capitals.
  const key = Object.keys(entry).find((candidate) => candidate.toLowerCase() === attribute.toLowerCase());
  const value = key === undefined ? [] : (entry[key] ?? []);
  return (Array.isArray(value) ? value : [value]).map((one) => (Buffer.isBuffer(one) ? one.toString('hex') : String(one)));
}
const textOf = (entry: Entry, attribute: string): string => textsOf(entry, attribute)[0] ?? '';

async function explained<T>(stage: LdapStage, { settings }: LdapAccess, server: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (thrown) {
    throw ldapProblem(thrown, stage, { ...settings, server });
  }
}

async function testSteps(access: LdapAccess, person: Parameters<Ldap['test']>[1]): Promise<readonly TestStep[]> {
  const { settings } = access;
  const steps: TestStep[] = [];
  const good = (step: string, detail: string): void => void steps.push({ step, works: true, detail, suggestion: null });
  const bad = (step: string, detail: string, suggestion: string | null): void =>
    void steps.push({ step, works: false, detail, suggestion });
  let current = 'connect and bind';
  try {
    await withServer(access, async (talk) => {
      good(current, `${talk.server}, as ${settings.bindDn ?? 'nobody in particular'}`);
      current = 'find people';
      const some = await talk.search('search', settings.baseDn, settings.userFilter, [settings.userAttribute, settings.idAttribute]);
      const usable = some.filter((entry) => textOf(entry, settings.userAttribute) !== '');
      if (usable.length === 0) {
        const why = some.length === 0 ? 'the filter of users' : `the attribute ${settings.userAttribute}`;
        return bad(current, 'nobody was found', `check ${why}`);
      }
      const [first] = usable;
      if (first) personOf(first, settings, null);
      good(current, `${usable.length} people`);
      if (settings.groupBaseDn !== null) {
        current = 'find groups';
        good(current, `${(await groupsIn(talk, settings))?.length ?? 0} groups`);
      }
      if (person === null) return;
      current = `find ${person.name}`;
      const entry = await findPerson(talk, settings, person.name);
      if (!entry) return bad(current, 'nobody of that name was found', `it is looked for in ${settings.userAttribute}`);
      good(current, entry.dn);
      if (person.password === null) return;
      current = 'sign in';
      if (await isPassword(access, talk.server, entry.dn, person.password)) good(current, 'the password is right');
      else bad(current, 'this password is wrong', null);
    });
  } catch (thrown) {
    const problem = Problem.from(thrown);
    bad(current, problem.message, problem.suggestion ?? null);
  }
  return steps;
}
