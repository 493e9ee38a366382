import type { Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { run } from '../../cli/src/program.ts';
import { capture } from '../cli/capture.ts';
import { freePort } from '../contract/broker-programs.ts';
import { type AppWorld, createAppWorld } from '../control-plane/app-world.ts';
import { signedIn } from '../control-plane/person.ts';

let world: AppWorld;
let server: Server;
let url: string;
beforeEach(async () => {
  world = await createAppWorld();
  // Sound: without a createServer option of our own it makes a plain HTTP server.
  server = createAdaptorServer({ fetch: world.app.fetch }) as Server;
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${port}`;
});
afterEach(async () => {
  process.exitCode = 0;
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await world.close();
});

async function drover(line: string, input = '') {
  const terminal = capture({ env: { DROVER_URL: url, DROVER_TOKEN: world.tokens.owner }, input });
  const code = await run(line.split(' '), terminal);
  return { code, ...terminal.written };
}

describe('the command line', () => {
  it('lists sessions, and ends them', async () => {
    const anna = await signedIn(world, 'operator-anna');
    const { out } = await drover('session list operator-anna');
    expect(out).toMatch(/operator-anna +Firefox on Linux +198\.51\.100\.7 +link/);
    const id = /token_\w+/.exec(out)?.[0] ?? '';
    expect(await drover(`session end ${id}`)).toMatchObject({ code: 0, out: `Session ${id} has ended.\n` });
    expect((await anna.ask('GET', '/session')).status).toBe(401);
    expect((await drover('session end')).code).toBe(2);
  });

  it('disables users, and lets them in again', async () => {
    expect((await drover('user disable operator-anna --because left')).out).toBe('User operator-anna is disabled.\n');
    expect((await world.ask('GET', '/api/v1/session', { as: 'operator' })).status).toBe(401);
    expect((await drover('user enable operator-anna')).code).toBe(0);
    expect((await world.ask('GET', '/api/v1/session', { as: 'operator' })).status).toBe(200);
    expect((await drover('user reset-second-factor operator-anna --yes')).code).toBe(0);
  });

  it('shows and changes what signing in takes', async () => {
    expect((await drover('sign-in-policy --second-factor owners --idle 8h')).out).toBe(
      'A second factor is asked of owners.\nA session lasts 720 h, and 8 h when nobody uses it.\n',
    );
    expect((await drover('sign-in-policy')).out).toContain('asked of owners');
    expect((await drover('sign-in-policy --idle soon')).code).toBe(2);
  });

  it('sets directories up; their secret comes by standard input alone, and is shown nowhere', async () => {
    const settings = 'servers=localhost:1 mode=starttls baseDn=dc=example,dc=org bindDn=cn=x,dc=example,dc=org autocreate=true';
    expect((await drover(`directory add corp --kind ldap --set ${settings} --secret-stdin`, 'hush-hush\n')).code).toBe(0);
    const listed = await drover('directory list --json');
    expect(JSON.parse(listed.out).items).toMatchObject([
      { name: 'corp', hasSecret: true, settings: { servers: ['localhost:1'], baseDn: 'dc=example,dc=org', autocreate: true } },
    ]);
    expect(listed.out).not.toContain('hush');
    expect((await drover('directory edit corp --set nestedGroups=true')).code).toBe(0);
    expect(await drover('directory add other --kind ldap --secret hush')).toMatchObject({
      code: 2,
      err: expect.stringContaining('--secret-stdin'),
    });
    expect(await drover('directory test corp')).toMatchObject({ code: 1, err: expect.stringContaining('LDAP needs connections') });
    expect((await drover('directory delete corp --yes')).out).toBe('The directory corp is removed.\n');
  });

  it('invites somebody for as long as is said', async () => {
    const { json } = await world.ask('GET', '/api/v1/users');
    expect((await drover('user create new-here --link-days 7')).code).toBe(0);
    expect(json.total).toBe((await world.ask('GET', '/api/v1/users')).json.total - 1);
    expect((await drover('user create other --link-days 31')).code).toBe(2);
  });
});
