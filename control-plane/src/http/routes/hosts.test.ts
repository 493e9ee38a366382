import { GuestFiguresView, HardwareView, HostFiguresView } from '@drover/shared/api/host-views';
import { EnrolmentView, HostView, NetworkView, StorageView, TaskView } from '@drover/shared/api/views';
import { shellWord } from '@drover/shared/lib/shell-word';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AppWorld, createAppWorld, INVENTORY } from '../../../../test/control-plane/app-world.ts';
import { hashOfSecret } from '../../db/secret.ts';
import { HostPage, NetworkPage, StoragePage, TaskPage } from '../components.ts';

let world: AppWorld;
beforeEach(async () => {
  world = await createAppWorld();
});
afterEach(() => world.close());

describe('a host that comes', () => {
  const hostsThatEntered = async (secondsToWait: number | null, signed: boolean) => {
    const entered: string[] = [];
    const door = { secondsToWait: () => secondsToWait, enter: (hostId: string) => entered.push(hostId), arrived: () => {} };
    const crowded = await createAppWorld({ admission: door });
    const { hostId } = crowded;
    const request = signed ? await crowded.signAsHost({ sub: hostId, aud: 'drover-connect' }) : 'not.signed.at-all';
    const answer = await crowded.ask('POST', '/agent/v1/connect', { as: null, body: { hostId, request } });
    await crowded.close();
    return { answer, entered: entered.map((each) => each === hostId) };
  };

  it('while many do is told when to come again', async () => {
    const { answer, entered } = await hostsThatEntered(7, true);
    expect(answer.status).toBe(429);
    expect(answer.headers.get('retry-after')).toBe('7');
    expect(answer.json).toMatchObject({ code: 'too-many-requests', retryable: true });
    expect(entered).toEqual([]);
  });

  it('has a place on its way in once it has proven who it is, and nobody has one in its name', async () => {
    expect((await hostsThatEntered(null, true)).entered).toEqual([true]);
    expect((await hostsThatEntered(null, false)).entered).toEqual([]);
  });
});

describe('hosts', () => {
  it('are listed and read with what they have, by name and by id', async () => {
    expect(HostPage.parse((await world.ask('GET', '/api/v1/hosts')).json)).toMatchObject({ total: 1, next: null });
    const byName = HostView.parse((await world.ask('GET', '/api/v1/hosts/fra-h03')).json);
    expect(byName).toMatchObject({ id: world.hostId, connected: true, os: 'Debian 13', guests: { total: 0, running: 0 } });
    expect(byName.fingerprint).toMatch(/^([0-9a-f]{4} ){15}[0-9a-f]{4}$/);
    expect((await world.ask('GET', `/api/v1/hosts/${world.hostId}`)).json).toEqual(byName);
  });

  it('one that has not been heard for half a minute is not connected', async () => {
    world.clock.advance(30_001);
    expect((await world.ask('GET', '/api/v1/hosts/fra-h03')).json.connected).toBe(false);
  });

  it('can be renamed, to a free and proper name', async () => {
    const rename = (name: string) => world.ask('PATCH', '/api/v1/hosts/fra-h03', { body: { name } });
    expect((await rename('Fra H03')).json).toMatchObject({ status: 400, field: 'name' });
    expect((await rename('ber-h01')).json).toMatchObject({ name: 'ber-h01', id: world.hostId });
    expect((await world.ask('GET', '/api/v1/hosts/fra-h03')).status).toBe(404);
    const conditional = await world.ask('PATCH', '/api/v1/hosts/ber-h01', { body: { name: 'x1' }, headers: { 'if-match': '"1"' } });
    expect(conditional.json).toMatchObject({ status: 400, field: 'If-Match' });
  });

  it('have settings, which are wished of them like anything else, and are found by their tags', async () => {
    const nothing = { tags: [], notes: '', location: '', startDelayS: 0, maintenance: false, condition: null, problem: null };
    expect((await world.ask('GET', '/api/v1/hosts/fra-h03')).json.settings).toEqual(nothing);
    const set = await world.ask('PATCH', '/api/v1/hosts/fra-h03', { body: { tags: ['edge'], location: 'rack 4', startDelayS: 30 } });
    const wished = { ...nothing, tags: ['edge'], location: 'rack 4', startDelayS: 30 };
    expect(set.json).toMatchObject({ name: 'fra-h03', settings: { ...wished, condition: 'pending' } });
    expect(world.nudged).toContain(world.hostId);
    const pending = (await world.store.pending(world.hostId))?.resources ?? [];
    expect(pending).toMatchObject([{ kind: 'host', id: world.hostId, spec: { tags: ['edge'], location: 'rack 4', startDelayS: 30 } }]);
    await world.observe('host', world.hostId, 1, {});
    expect((await world.ask('GET', '/api/v1/hosts/fra-h03')).json.settings).toEqual({ ...wished, condition: 'settled' });
    const tagged = async (tag: string) => (await world.ask('GET', `/api/v1/hosts?tag=${tag}`)).json.total;
    expect([await tagged('edge'), await tagged('edg')]).toEqual([1, 0]);
    expect((await world.ask('PATCH', '/api/v1/hosts/fra-h03', { body: { startDelayS: -1 } })).json).toMatchObject({ field: 'startDelayS' });
    expect((await world.ask('PATCH', '/api/v1/hosts/fra-h03', { as: 'auditor', body: { tags: [] } })).status).toBe(403);
  });

  it('have addresses that may change: what is shown follows what the host last said', async () => {
    await world.commit({
      hosts: [{ id: world.hostId, connected: true, inventory: { ...INVENTORY, addresses: ['192.0.2.99', '2001:db8::9'] } }],
    });
    expect((await world.ask('GET', '/api/v1/hosts/fra-h03')).json).toMatchObject({
      addresses: ['192.0.2.99', '2001:db8::9'],
      connected: true,
    });
  });

  it('say what they are made of, and how they are doing, as old as it is; and nothing where they have not', async () => {
    const get = async (path: string) => (await world.ask('GET', `/api/v1${path}`)).json;
    expect(HardwareView.parse(await get('/hosts/fra-h03/hardware'))).toMatchObject({ isKnown: false, disks: [] });
    expect(HostFiguresView.parse(await get('/hosts/fra-h03/figures'))).toMatchObject({
      atMs: null,
      ageMs: null,
      figures: null,
      guests: [],
    });
    const disk = { name: 'sda', sizeBytes: 5, usedBy: [], health: { state: 'good' as const } };
    const hardware = { digest: 'd', processorFlags: [], numa: [], disks: [disk], nics: [], pci: [], usb: [], cut: ['pci'] };
    const figures = { atMs: 1, host: { cpu: 0.5 }, guests: [{ id: 100, cpu: 1.5 }] };
    const inventory = {
      ...INVENTORY,
      kvm: { usable: false, reason: 'no KVM: there is no /dev/kvm' },
      machine: { vendor: 'Dell Inc.', virtual: null },
    };
    const atMs = world.clock.now();
    await world.commit({
      hosts: [{ id: world.hostId, connected: true, inventory, hardware }],
      figures: [{ hostId: world.hostId, atMs, figures }],
    });
    world.clock.advance(70_000);
    expect(await get('/hosts/fra-h03/hardware')).toMatchObject({ isKnown: true, disks: [disk], cut: ['pci'] });
    expect(await get('/hosts/fra-h03/figures')).toMatchObject({ atMs, ageMs: 70_000, figures: { cpu: 0.5 }, guests: [{ id: 100 }] });
    expect(await get('/hosts/fra-h03')).toMatchObject({
      kvm: { usable: false },
      machine: { virtual: null },
      processor: null,
      packages: [],
    });
    await world.ask('POST', '/api/v1/guests', { body: { type: 'container', name: 'web', image: 'debian-13' } });
    const web = { guest: 100, atMs, ageMs: 70_000, figures: { id: 100, cpu: 1.5 } };
    expect(GuestFiguresView.parse(await get('/guests/web/figures'))).toEqual(web);
    await world.commit({ figures: [{ hostId: world.hostId, atMs: atMs + 1, figures: { ...figures, guests: [] } }] });
    expect(await get('/guests/web/figures')).toEqual({ guest: 100, atMs: null, ageMs: null, figures: null });
    expect((await world.ask('DELETE', '/api/v1/hosts/fra-h03')).status).toBe(204);
    expect([await world.store.hardware(world.hostId), await world.store.figures(world.hostId)]).toEqual([null, null]);
  });

  it('can be forgotten, with all they had', async () => {
    expect((await world.ask('DELETE', '/api/v1/hosts/fra-h03')).status).toBe(204);
    expect((await world.ask('GET', '/api/v1/hosts')).json.total).toBe(0);
    expect((await world.ask('GET', '/api/v1/storages')).json.total).toBe(0);
  });

  it('come in by a token that is shown with the command to type, and that can be taken back', async () => {
    const answer = await world.ask('POST', '/api/v1/hosts/enrolments', { body: { name: 'ber-h01' } });
    expect(answer.status).toBe(201);
    const { token, command, cloneCommand, expiresAtMs } = EnrolmentView.parse(answer.json);
    expect(command).toBe(`curl -fsSL http://drover.test:8420/install.sh | sudo sh -s -- --token ${token}`);
    expect(cloneCommand).toBe(`node infra/host.mjs --url http://drover.test:8420 --token ${token}`);
    expect(expiresAtMs).toBe(world.clock.now() + 3_600_000);
    expect(await world.store.access.enrolment(hashOfSecret(token))).toMatchObject({ name: 'ber-h01' });
    expect((await world.ask('DELETE', `/api/v1/hosts/enrolments/${token}`)).status).toBe(204);
    expect(await world.store.access.enrolment(hashOfSecret(token))).toBeNull();
    expect((await world.ask('DELETE', `/api/v1/hosts/enrolments/${token}`)).status).toBe(404);
  });

  it('the command names an address that means this machine on the other one too', async () => {
    const at = async (origin: string) => {
      const headers = { authorization: `Bearer ${world.tokens.owner}` };
      const response = await world.app.request(`${origin}/api/v1/hosts/enrolments`, { method: 'POST', headers });
      return /curl -fsSL (\S+)\/install\.sh /.exec((await response.json()).command)?.[1];
    };
    expect(await at('http://localhost:8420')).toBe('http://192.0.2.9:8420');
    expect(await at('http://[::1]:8420')).toBe('http://192.0.2.9:8420');
    expect(await at('https://drover.example')).toBe('https://drover.example');
  });

  it('who has neither token nor key is not let in', async () => {
    const enrol = { token: 'x'.repeat(40), publicKey: { kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43) }, hostname: 'h', proof: 'a.b.c' };
    expect((await world.ask('POST', '/agent/v1/enrol', { as: null, body: enrol })).status).toBeGreaterThanOrEqual(400);
    expect((await world.ask('POST', '/agent/v1/enrol', { as: null, body: {} })).json).toMatchObject({ status: 400, field: 'token' });
    const connect = { hostId: world.hostId, request: 'a.b.c' };
    expect((await world.ask('POST', '/agent/v1/connect', { as: null, body: connect })).status).toBe(401);
    const upload = `/agent/v1/uploads/${'a'.repeat(20)}`;
    expect((await world.ask('GET', upload, { as: null })).status).toBe(401);
    // A person's token is no host's signature.
    expect((await world.ask('GET', upload)).status).toBe(401);
    expect(world.logged).toEqual([]);
  });
});

describe('storages and networks', () => {
  it('are listed, and read by name and by id', async () => {
    const [storage] = StoragePage.parse((await world.ask('GET', '/api/v1/storages')).json).items;
    expect((await world.ask('GET', '/api/v1/storages/local')).json).toEqual(storage);
    expect(StorageView.parse((await world.ask('GET', `/api/v1/storages/${storage?.id}`)).json)).toMatchObject({
      ready: true,
      freeBytes: 5,
    });
    const [network] = NetworkPage.parse((await world.ask('GET', '/api/v1/networks?name=default')).json).items;
    expect(NetworkView.parse((await world.ask('GET', '/api/v1/networks/default')).json)).toEqual(network);
  });
});

describe('tasks', () => {
  const begin = async () => {
    const made = await world.ask('POST', '/api/v1/guests', { body: { type: 'container', name: 'web', image: 'debian-13' } });
    return TaskView.parse(made.json.task);
  };

  it('are listed the newest first, filtered by state and target', async () => {
    const task = await begin();
    const list = async (query: string) => TaskPage.parse((await world.ask('GET', `/api/v1/tasks?${query}`)).json).items.map(({ id }) => id);
    expect(await list('')).toEqual([task.id]);
    expect(await list('state=active&target=web')).toEqual([task.id]);
    expect(await list('state=finished')).toEqual([]);
  });

  it('have a log that is read on from a cursor', async () => {
    const { id } = await begin();
    await world.commit({ log: ['one', 'two', 'three'].map((line) => ({ taskId: id, atMs: world.clock.now(), line })) });
    const read = async (query: string) => (await world.ask('GET', `/api/v1/tasks/${id}/log?${query}`)).json;
    const first = await read('limit=2');
    expect(first.lines.map(({ line }: { line: string }) => line)).toEqual(['one', 'two']);
    const rest = await read(`after=${first.cursor}`);
    expect(rest.lines.map(({ line }: { line: string }) => line)).toEqual(['three']);
    expect(await read(`after=${rest.cursor}`)).toEqual({ lines: [], cursor: rest.cursor });
  });

  it('can be cancelled', async () => {
    const { id } = await begin();
    const answer = await world.ask('POST', `/api/v1/tasks/${id}/cancel`);
    expect(answer.status).toBe(202);
    expect(TaskView.parse(answer.json).id).toBe(id);
  });

  it('a person who waits for a command that cannot be run is told at once', async () => {
    const web = await begin();
    await world.observe('guest', web.target.id, 1, { observed: { power: 'running' } });
    const { url, task } = (await world.ask('POST', '/api/v1/guests/web/exec', { body: { command: ['true'] } })).json;
    const ticket = /relay\/(\w+)/.exec(url)?.[1] ?? '';
    const got: unknown[] = [];
    const closed = new Promise<void>((resolve) => {
      world.relay.join(ticket, 'person', {
        send: (frame) => void got.push(JSON.parse(String(frame))),
        bufferedBytes: () => 0,
        pause: () => {},
        resume: () => {},
        close: () => resolve(),
        onFrame: () => {},
        onClose: () => {},
      });
    });
    const problem = { code: 'wrong-state', status: 409, title: '', detail: 'the guest does not run', retryable: false } as const;
    await world.commit({
      taskUpdates: [{ id: task.id, state: 'failed', finishedAtMs: world.clock.now(), problem }],
      events: [{ kind: 'task', id: task.id, gone: false }],
    });
    await closed;
    expect(got).toEqual([{ do: 'failed', detail: 'the guest does not run' }]);
  });
});

describe('shellWord', () => {
  it.each([
    ['--url', '--url'],
    ['http://a:1/b', 'http://a:1/b'],
    ['a b', "'a b'"],
    ["a'; rm -rf /", "'a'\\''; rm -rf /'"],
    ['$(id)', "'$(id)'"],
    ['a\nb', "'a\nb'"],
    ['', "''"],
  ])('%j becomes %j', (word, expected) => {
    expect(shellWord(word)).toBe(expected);
  });
});
