import { chownSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { output, type Person, STARTED, said, sitDown } from './person.ts';
import { freePort } from './world.ts';

/** What a stack trace, or a question, would look like to whoever reads it. */
const STACK = /\n\s+at /;
const QUESTION = /\?/;

describe('npm start', () => {
  let root: Person;

  beforeAll(async () => {
    root = await sitDown({ instance: 's' });
  });
  afterAll(() => root.close());

  it('gives a link that signs in once, and a command line that works without signing in', async () => {
    const start = root.begin('npm start');
    await start.untilSays(STARTED);
    expect(start.output()).not.toMatch(QUESTION);
    const body = JSON.stringify({ token: said(start, /^Sign in +\S+\/sign-in#token=(\w+) +\(works once\)$/m) });
    const signIn = () => fetch(`${root.url}/api/v1/session`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    expect((await signIn()).status).toBe(201);
    expect((await signIn()).status).toBe(401);
    expect(output(await root.type('npx drover host list'))).toContain(said(start, /^Host +(\S+): this machine$/m));
    expect(await root.ctrlC(start)).toBe(0);
    expect(processesOf(root)).toEqual([]);
  });

  it('again installs and builds nothing, and needs no link', async () => {
    const sinceMs = performance.now();
    const start = root.begin('npm start');
    await start.untilSays(/^Drover is running at /m);
    console.log(`warm start to printed address: ${Math.round(performance.now() - sinceMs)} ms`);
    await start.untilSays(STARTED);
    expect(start.output()).not.toMatch(/Installing|Building|#token=/);
    expect(await root.ctrlC(start)).toBe(0);
  });

  it('on a data folder in use says so, and leaves the one that uses it alone', async () => {
    const start = root.begin('npm start');
    await start.untilSays(STARTED);
    const second = await root.type('npm start', { DROVER_PORT: String(await freePort()) });
    expect(second.code).toBe(1);
    expect(second.stderr).toContain(`${root.dataPath}/control-plane is in use`);
    expect(second.stderr).toContain('DROVER_DATA');
    expect(second.stderr).not.toMatch(STACK);
    await untilListed(root, 'connected');
    expect(await root.ctrlC(start)).toBe(0);
  });

  it('on a busy port says which, and how to take another', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(root.port, '::', resolve));
    try {
      const refused = await root.type('npm start');
      expect(refused.code).toBe(1);
      expect(refused.stderr).toContain(`port ${root.port} is in use by another program`);
      expect(refused.stderr).toContain('DROVER_PORT=');
      expect(refused.stderr).not.toMatch(STACK);
    } finally {
      await new Promise((resolve) => other.close(resolve));
    }
  });

  it('starts the control plane again when that is killed, and is itself killed without leaving anything behind', async () => {
    const start = root.begin('npm start');
    await start.untilSays(STARTED);
    for (const { pid, line } of processesOf(root)) if (line.includes('control-plane/dist/main.js')) process.kill(pid, 'SIGKILL');
    await start.untilSays(/^The control plane was ended by SIGKILL; starting it again/m);
    await untilListed(root, 'connected');
    process.kill(-start.pid, 'SIGKILL');
    await start.ended;
    while (processesOf(root).length > 0) await pause(20);
    const next = root.begin('npm start');
    await next.untilSays(STARTED);
    expect(await root.ctrlC(next)).toBe(0);
  });
});

describe('the Debian packages of a host', () => {
  let root: Person;

  beforeAll(async () => {
    root = await sitDown({ instance: 's' });
    pretendMissing(root, 'zstd');
  });
  afterAll(() => root.close());

  const path = () => `${join(root.folder, 'bin')}:${process.env.PATH}`;

  it('are asked for at a terminal, and a no is an answer', async () => {
    const start = root.begin(`script --quiet --return --command "exec npm start" /dev/null`, { PATH: path() });
    await start.untilSays(/Install them now\? \[Y\/n\] /);
    start.write('n\n');
    await start.untilSays(/Ctrl-C ends Drover/);
    expect(start.output()).toMatch(/^Missing +zstd: /m);
    expect(start.output()).not.toContain('Installing');
    // The key itself, as a terminal turns it into signals.
    start.write('\x03');
    expect(await start.ended).toBe(0);
    expect(processesOf(root)).toEqual([]);
  });

  it('are named with their reasons and installed without a question where nobody could answer', async () => {
    const start = root.begin('npm start', { PATH: path() });
    await start.untilSays(STARTED);
    expect(start.output()).toMatch(/needs a Debian package that is not here yet:\n {2}zstd {2}unpacks images \(zstd\)\nInstalling them/);
    expect(start.output()).not.toMatch(QUESTION);
    expect(readFileSync(join(root.folder, 'apt'), 'utf8')).toMatch(/^noninteractive .* update\nnoninteractive .* install --yes .* zstd\n$/);
    expect(await root.ctrlC(start)).toBe(0);
  });
});

describe('npm start without root', () => {
  let nobody: Person;
  let root: Person;

  beforeAll(async () => {
    nobody = await sitDown({ isRoot: false });
    root = await sitDown({ instance: 's' });
  });
  afterAll(async () => {
    await root.close();
    await nobody.close();
  });

  it('runs the control plane alone, whose line makes another machine its host', async () => {
    const start = nobody.begin('npm start');
    await start.untilSays(STARTED);
    expect(said(start, /^Host +none yet: (.*)$/m)).toContain('npx drover host add says how to add one');
    expect(start.output()).not.toMatch(/Installing|Building/);
    expect((await nobody.type('npx drover host list')).stderr).toContain('drover host add says how');

    const line = output(await nobody.type('npx drover host add --name barn --clone'));
    const agent = root.begin(line.trim());
    await agent.untilSays(/^This machine is host barn of /m);
    expect(agent.output()).not.toMatch(QUESTION);
    await untilListed(nobody, /^barn +connected /m);
    expect(await root.ctrlC(agent)).toBe(0);
    const again = root.begin('node infra/host.mjs');
    await again.untilSays(/^This machine is host barn of /m);
    expect(await root.ctrlC(again)).toBe(0);
    expect(await nobody.ctrlC(start)).toBe(0);
  });

  it('says plainly that it may not write the data folder', async () => {
    const locked = join(nobody.folder, 'locked');
    mkdirSync(locked);
    for (const path of [locked, join(locked, 'new')]) {
      const refused = await nobody.type('npm start', { DROVER_DATA: path });
      expect(refused.code).toBe(1);
      expect(refused.stderr).toContain(`The data folder ${path} cannot be written (EACCES)`);
      expect(refused.stderr).not.toMatch(STACK);
    }
  });

  it('takes a data folder that is named from where it was typed', async () => {
    const start = nobody.begin('npm start', { DROVER_DATA: '../data' });
    await start.untilSays(STARTED);
    expect(said(start, /^Data +(\S+)$/m)).toBe(nobody.dataPath);
    expect(await nobody.ctrlC(start)).toBe(0);
  });

  it('says plainly that the command line has no place for what it knows', async () => {
    const start = nobody.begin('npm start', { HOME: '/nonexistent' });
    await start.untilSays(STARTED);
    const told = said(start, /^CLI +not set up \(.*\); it takes (DROVER_URL=\S+ DROVER_TOKEN=\$\(cat \S+\))$/m);
    expect((await nobody.type(`${told} node cli/bin/drover.mjs host list`, { HOME: '/nonexistent' })).code).toBe(0);
    expect(await nobody.ctrlC(start)).toBe(0);
  });

  it('says plainly that it may not build in a clone of somebody else', async () => {
    const dist = join(nobody.folder, 'clone/cli/dist');
    rmSync(join(dist, '.fingerprint'));
    chownSync(dist, 0, 0);
    const refused = await nobody.type('npm start');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(`may not write ${dist}`);
    expect(refused.stderr).not.toMatch(STACK);
  });
});

/** Looks again until the list of hosts says so: a control plane that has just begun has not heard of its hosts yet. */
async function untilListed(person: Person, what: string | RegExp): Promise<void> {
  while (!(await person.type('npx drover host list')).stdout.match(what)) await pause(20);
}

/** Puts programs before dpkg-query and apt-get that know `name` to be missing until it is installed. */
function pretendMissing({ folder }: Person, name: string): void {
  const isThere = `${folder}/installed`;
  const programs = {
    'dpkg-query': `for word; do case "$word" in -*) ;; ${name}) [ -e ${isThere} ] && echo "installed ${name}" ;; *) echo "installed $word" ;; esac; done`,
    'apt-get': `echo "$DEBIAN_FRONTEND $*" >> ${folder}/apt; case "$*" in *install*) touch ${isThere} ;; esac`,
  };
  mkdirSync(join(folder, 'bin'));
  for (const [program, script] of Object.entries(programs))
    writeFileSync(join(folder, 'bin', program), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}

/** Control plane and agent of this person. */
function processesOf({ dataPath }: Person): { pid: number; line: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => ({ pid: Number(pid), line: read(`/proc/${pid}/cmdline`), env: read(`/proc/${pid}/environ`) }))
    .filter(({ line, env }) => /\/dist\/(main|agent)\.js\0/.test(line) && env.includes(`\0DROVER_DATA=${dataPath}\0`))
    .map(({ pid, line }) => ({ pid, line }));
}

function read(path: string): string {
  try {
    return `\0${readFileSync(path, 'utf8')}`;
  } catch {
    // It has just ended.
    return '';
  }
}
