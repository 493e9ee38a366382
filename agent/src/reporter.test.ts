import type { ProblemView } from '@drover/shared/lib/problem';
import type { Figures } from '@drover/shared/model/figures';
import type { Hardware } from '@drover/shared/model/hardware';
import type { Inventory } from '@drover/shared/model/host';
import { HostId } from '@drover/shared/model/id';
import type { ResourceStatus } from '@drover/shared/model/resource';
import { type AnyReply, MESSAGE_BYTES_MAX, type Report } from '@drover/shared/protocol/message';
import { beforeEach, describe, expect, it } from 'vitest';
import { createSimulatedDisk, emptyDisk } from '../../test/simulation/disk.ts';
import { MortalLife, realLife } from '../../test/simulation/life.ts';
import { Timeline } from '../../test/simulation/timeline.ts';
import { Journal } from './journal.ts';
import type { Link } from './link.ts';
import { createReporter, type Reporter } from './reporter.ts';

const INVENTORY: Inventory = {
  hostname: 'one',
  agentVersion: '0',
  os: '',
  kernel: '',
  architecture: '',
  cpuModel: '',
  cores: 1,
  memoryBytes: 1,
  bootId: 'boot',
  addresses: [],
  routes: [],
  drivers: [],
  defaults: { storagePath: '/', bridge: 'b' },
};

const HARDWARE: Hardware = { digest: 'd1', processorFlags: ['fpu'], numa: [], disks: [], nics: [], pci: [], usb: [], cut: [] };
const FIGURES: Figures = { atMs: 1, host: { uptimeS: 5 }, guests: [] };

let timeline: Timeline;
let sent: Report[];
let reporter: Reporter;
let journal: Journal;
beforeEach(() => {
  timeline = new Timeline(1_000_000);
  sent = [];
  const link: Link = {
    open() {},
    close: async () => {},
    send: (message) => {
      if (message.do === 'report') sent.push(message.report);
    },
  };
  journal = new Journal(createSimulatedDisk(emptyDisk(), realLife), '/journal', 'boot', 0);
  const { clock } = new MortalLife(timeline);
  reporter = createReporter({
    hostId: HostId.parse('host_0123456789'),
    run: 'run1',
    newestCounter: () => 7,
    journal,
    link,
    clock,
    inventory: () => INVENTORY,
    hardware: () => HARDWARE,
  });
});

const status = (id: number, more: Partial<ResourceStatus> = {}): ResourceStatus => ({
  kind: 'guest',
  id: String(id),
  acked: 1,
  applied: 1,
  condition: 'settled',
  gone: false,
  observed: {},
  ...more,
});
async function pass(ms: number): Promise<void> {
  const untilMs = timeline.nowMs + ms;
  while (await timeline.step(untilMs));
}
const last = (): Report => {
  const report = sent.at(-1);
  if (!report) throw new Error('nothing was sent');
  return report;
};
const problem = (detail: string): ProblemView => ({ code: 'host-failed', status: 502, title: 'host failed', detail, retryable: false });
const ids = (report: Report) => report.statuses.map(({ id }) => id);
function reply(to: Report, more: Partial<AnyReply> = {}): boolean {
  return reporter.replied({ v: 1, boot: to.boot, sequence: to.sequence, helloWanted: false, atMs: 0, ...more });
}
/** Connected, and the hello is acknowledged. */
async function connect(session = 'first'): Promise<void> {
  reporter.connected(session);
  await pass(0);
  reply(last());
}

describe('a connection', () => {
  it('begins with a hello that shows the whole journal, and every status', async () => {
    journal.accept({ kind: 'guest', id: '100', hostId: HostId.parse('host_0123456789'), generation: 2, spec: {}, deletion: null });
    reporter.say(status(100), true);
    await pass(5_000);
    expect(sent).toEqual([]);
    reporter.connected('first');
    await pass(0);
    expect(last()).toMatchObject({ session: 'first', boot: 1, sequence: 1, hello: { journal: [{ id: '100', generation: 2 }] } });
    expect(ids(last())).toEqual(['100']);
  });

  it('after another says everything again, for the other side may have forgotten it', async () => {
    reporter.say(status(100), true);
    await connect();
    reporter.disconnected();
    reporter.connected('second');
    await pass(0);
    expect(last()).toMatchObject({ session: 'second', sequence: 2, hello: {} });
    expect(ids(last())).toEqual(['100']);
  });

  it('says hello until it is acknowledged, and then no more', async () => {
    reporter.connected('first');
    await pass(3_000);
    expect(sent.map((report) => [report.sequence, report.hello !== undefined])).toEqual([
      [1, true],
      [2, true],
    ]);
    reply(last());
    await pass(10_000);
    expect(last()).toMatchObject({ sequence: 3, statuses: [] });
    expect(last().hello).toBeUndefined();
  });

  it('that the other side does not know begins anew', async () => {
    reporter.say(status(100), true);
    await connect();
    await pass(10_000);
    reply(last(), { helloWanted: true });
    await pass(0);
    expect(last().hello).toBeDefined();
    expect(ids(last())).toEqual(['100']);
  });
});

describe('one report at a time', () => {
  it('is in flight: what changes meanwhile waits for the answer, and only its newest word is sent', async () => {
    await connect();
    reporter.say(status(100), true);
    await pass(0);
    const first = last();
    reporter.say(status(101, { condition: 'waiting', waitingFor: 'a' }), true);
    reporter.say(status(101), true);
    await pass(100);
    expect(last()).toBe(first);
    reply(first);
    await pass(0);
    expect(last().statuses).toEqual([status(101)]);
  });

  it('that nobody answered is sent again as a new one, with what has changed since', async () => {
    await connect();
    reporter.say(status(100), true);
    await pass(0);
    const lost = last();
    reporter.say(status(101), true);
    await pass(3_000);
    expect(last().sequence).toBe(lost.sequence + 1);
    expect(ids(last())).toEqual(['100', '101']);
    // Its answer was late: it says nothing about the second.
    reply(lost);
    await pass(3_000);
    expect(ids(last())).toEqual(['100', '101']);
  });

  it('is acknowledged in the end by answers that take longer than it waits at first', async () => {
    await connect();
    reporter.say(status(100), true);
    await pass(0);
    await pass(3_000);
    const second = last();
    await pass(5_000);
    expect(reply(second)).toBe(true);
    reporter.say(status(101), true);
    await pass(0);
    expect(ids(last())).toEqual(['101']);
  });

  it('does not acknowledge what changed while it was under way', async () => {
    await connect();
    reporter.say(status(100, { applied: 0, condition: 'working' }), true);
    await pass(0);
    const first = last();
    reporter.say(status(100), true);
    reply(first);
    await pass(0);
    expect(last().statuses).toEqual([status(100)]);
  });

  it('is acknowledged by its own answer alone, not by one of an earlier connection or life', async () => {
    await connect();
    const earlier = last();
    reporter.disconnected();
    reporter.connected('second');
    reporter.say(status(100), true);
    await pass(0);
    reply(earlier);
    reply(last(), { boot: 0 });
    reply(earlier, { helloWanted: true });
    await pass(2_999);
    expect(sent).toHaveLength(2);
    await pass(1);
    expect(sent).toHaveLength(3);
    expect(ids(last())).toEqual(['100']);
  });

  it('stays below what a broker carries, however much there is to say', async () => {
    await connect();
    const long = 'x'.repeat(1_000);
    for (let id = 100; id < 400; id += 1) reporter.say(status(id, { observed: { long } }), true);
    for (let line = 0; line < 300; line += 1) reporter.log({ kind: 'guest', id: '100' }, long);
    const seen = new Set<string>();
    for (let round = 0; round < 20; round += 1) {
      await pass(500);
      expect(JSON.stringify(last()).length).toBeLessThan(MESSAGE_BYTES_MAX);
      for (const id of ids(last())) seen.add(id);
      reply(last());
    }
    expect(seen.size).toBe(300);
  });
});

describe('the pace', () => {
  it('of progress is a few a second, however fast it comes and is answered', async () => {
    await connect();
    const before = sent.length;
    for (let ms = 0; ms < 5_000; ms += 10) {
      reporter.say(status(100, { condition: 'working', activity: { title: '', progress: ms / 5_000, sinceMs: 0 } }), false);
      await pass(10);
      if (last().sequence > before) reply(last());
    }
    expect(sent.length - before).toBeLessThanOrEqual(10);
  });

  it('of silence is a heartbeat every ten seconds', async () => {
    await connect();
    for (let beat = 0; beat < 3; beat += 1) {
      await pass(10_000);
      reply(last());
    }
    expect(sent).toHaveLength(4);
  });
});

describe('a journal that was restored', () => {
  it('and so counts from too low: the agent steps above what was seen, and says hello again without what it held', async () => {
    journal.accept({ kind: 'guest', id: '100', hostId: HostId.parse('host_0123456789'), generation: 1, spec: {}, deletion: null });
    reporter.say(status(100), true);
    const orphan = status(101, { acked: 0 });
    reporter.say(orphan, true);
    reporter.connected('first');
    await pass(0);
    expect(ids(last())).toEqual(['100', '101']);
    reply(last(), { helloWanted: true, lastBoot: 7 });
    await pass(0);
    expect(last()).toMatchObject({ boot: 8, hello: { journal: [] } });
    expect(ids(last())).toEqual(['101']);
    reply(last());
    await pass(10_000);
    expect(last()).toMatchObject({ boot: 8, statuses: [] });
    // Nor does the next start of the agent need to be told.
    expect(journal.boot).toBe(8);
  });

  it('is known for one by the answer to what was said alone', async () => {
    reporter.connected('first');
    await pass(0);
    const answers = [{ boot: 9 }, { sequence: 9 }, { helloWanted: true, lastBoot: 7 }].map((more) => reply(last(), more));
    await pass(0);
    expect([...answers, reply(last())]).toEqual([false, false, false, true]);
  });
});

describe('what is over', () => {
  it('is said until it is acknowledged, and not again on the next connection', async () => {
    const finished = status(0, { kind: 'task', id: 'task_00000001', observed: { state: 'done' } });
    await connect();
    reporter.say(status(100, { gone: true }), true);
    reporter.say(finished, true);
    reporter.say(status(101), true);
    await pass(3_000);
    expect(ids(last())).toEqual(['100', 'task_00000001', '101']);
    reply(last());
    reporter.disconnected();
    reporter.connected('second');
    await pass(0);
    expect(ids(last())).toEqual(['101']);
  });
});

describe('however much there is to say', () => {
  const bytesOf = (report: Report) => new TextEncoder().encode(JSON.stringify(report)).length;

  it('no report is larger than any broker carries, and all is said in the end', async () => {
    for (let id = 100; id < 2_100; id += 1) {
      journal.accept({ kind: 'guest', id: String(id), hostId: HostId.parse('host_0123456789'), generation: 2, spec: {}, deletion: null });
      reporter.say(status(id, { observed: { words: '→'.repeat(100) } }), false);
      reporter.log({ kind: 'guest', id: String(id) }, '→'.repeat(2_000));
      reporter.refuse({ kind: 'firewall', id: String(id), generation: 1, problem: problem('→'.repeat(10_000)) });
    }
    await connect();
    for (let beat = 0; beat < 200; beat += 1) {
      await pass(600);
      reply(last());
    }
    expect(Math.max(...sent.map(bytesOf))).toBeLessThanOrEqual(MESSAGE_BYTES_MAX);
    expect(new Set(sent.flatMap(ids)).size).toBe(2_000);
    expect(sent[0]?.hello).toMatchObject({ journalIsCut: true, run: 'run1', counter: 7 });
    expect(sent.flatMap(({ refused = [] }) => refused)).toHaveLength(100);
  });

  it('a status that no broker would carry is said in fewer words', async () => {
    await connect();
    const waffle = { observed: { words: 'x'.repeat(200_000) }, problem: problem('x'.repeat(200_000)) };
    reporter.say(status(100, { condition: 'needs-attention', ...waffle }), true);
    await pass(0);
    expect(bytesOf(last())).toBeLessThan(2_000);
    expect(last().statuses).toMatchObject([{ id: '100', condition: 'needs-attention', observed: {}, problem: { code: 'host-failed' } }]);
  });

  it('a refusal is said until it is acknowledged', async () => {
    await connect();
    reporter.refuse({ kind: 'firewall', id: 'f1', generation: 3, problem: problem('what is that?') });
    await pass(0);
    await pass(3_000);
    expect(sent.slice(-2).map(({ refused }) => refused?.map(({ id }) => id))).toEqual([['f1'], ['f1']]);
    reply(last());
    await pass(10_000);
    expect(last()).not.toHaveProperty('refused');
  });
});

describe('what the host is made of', () => {
  it('is said to whoever asks, until it is acknowledged', async () => {
    reporter.connected('first');
    await pass(0);
    expect(last()).not.toHaveProperty('hardware');
    reply(last(), { hardwareWanted: true });
    await pass(500);
    expect(last().hardware).toEqual(HARDWARE);
    await pass(3_000);
    expect(sent.length).toBe(3);
    expect(last().hardware).toEqual(HARDWARE);
    reply(last());
    await pass(10_000);
    expect(last()).not.toHaveProperty('hardware');
  });

  it('is said in another hello when it has changed, in the same session', async () => {
    await connect();
    reporter.inventoryChanged();
    await pass(500);
    expect(last()).toMatchObject({ session: 'first', hello: { inventory: INVENTORY } });
    // Changed once more while that was on its way.
    reporter.inventoryChanged();
    reply(last());
    await pass(500);
    expect(last().hello).toBeDefined();
    reply(last());
    await pass(10_000);
    expect(last().hello).toBeUndefined();
  });
});

describe('figures', () => {
  it('go with the next report, and are not said again when it is lost', async () => {
    await connect();
    reporter.figures(FIGURES);
    const before = sent.length;
    await pass(9_000);
    expect(sent.length).toBe(before);
    await pass(1_000);
    expect(last().figures).toEqual(FIGURES);
    await pass(3_000);
    expect(sent.length).toBe(before + 2);
    expect(last()).not.toHaveProperty('figures');
  });

  it('of before a connection are not said in it', async () => {
    await connect();
    reporter.figures(FIGURES);
    reporter.disconnected();
    reporter.figures(FIGURES);
    await connect('second');
    await pass(10_000);
    expect(sent.filter(({ figures }) => figures !== undefined)).toEqual([]);
  });
});
