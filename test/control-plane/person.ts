import type { AppWorld, Asked } from './app-world.ts';

/** Somebody at a browser: keeps the cookie that it was given. */
export interface Person {
  ask(method: string, path: string, body?: unknown): Promise<Asked>;
  readonly cookie: () => string | null;
}

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0';

export function createPerson(world: Pick<AppWorld, 'ask'>, userAgent = FIREFOX): Person {
  let cookie: string | null = null;
  return {
    cookie: () => cookie,
    async ask(method, path, body) {
      const headers = {
        'sec-fetch-site': 'same-origin',
        'user-agent': userAgent,
        'x-forwarded-proto': 'https',
        ...(cookie === null ? {} : { cookie }),
      };
      const answer = await world.ask(method, `/api/v1${path}`, { as: null, body, headers });
      const given = answer.headers.get('set-cookie')?.split(';')[0];
      if (given !== undefined) cookie = given.endsWith('=') ? null : given;
      return answer;
    },
  };
}

/** Signed in by a fresh link. */
export async function signedIn(world: Pick<AppWorld, 'ask'>, name: string): Promise<Person> {
  const person = createPerson(world);
  const { json } = await world.ask('POST', `/api/v1/users/${name}/sign-in-link`, { body: {} });
  const answer = await person.ask('POST', '/session', { token: String(json.signInUrl).split('token=')[1] });
  if (answer.status !== 201) throw new Error(answer.text);
  return person;
}
