import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import type { Cleanup } from '../cleanup.ts';
import { cpuMs } from '../cpu-time.ts';
import { ROOT } from '../root.ts';
import { connectionsMax } from './brokers.ts';
import { type FleetOrder, FleetWord } from './fleet-words.ts';
import type { FleetCounts } from './light-agent.ts';

const PROCESSES_LEAST = 2;
const LOOK_MS = 50;

/** All light agents, in processes of their own. */
export interface Fleet {
  readonly hosts: number;
  counts(): FleetCounts;
  /** What its processes have taken of the processor so far. */
  cpuMs(): number;
  /** All of them, some at a time. */
  connect(url: string): void;
  /** Clients that say back what a bare broker brings. */
  echo(url: string, clients: number): void;
  /** Nobody is in, until it is answered again. */
  forget(): void;
  /** Makes a guest of that host start or stop by itself; gives which one, and when in ms of the machine's monotonic clock. */
  change(host: number): Promise<{ readonly guest: string; readonly atMs: number }>;
  /** Resolves once as many are in; throws when that takes longer. */
  untilIn(count: number, atMostMs: number, look?: (now: FleetCounts) => void): Promise<void>;
  end(): Promise<void>;
}

export async function startFleet(identitiesPath: string, hosts: number, cleanup: Cleanup): Promise<Fleet> {
  const processes = Math.max(PROCESSES_LEAST, Math.ceil(hosts / connectionsMax()));
  const step = Math.ceil(hosts / processes);
  const parts = Array.from({ length: processes }, (_, index) =>
    startPart(identitiesPath, index * step, Math.min(hosts, (index + 1) * step)),
  );
  cleanup.add('the agents', () => Promise.all(parts.map((part) => part.end())));
  await Promise.all(parts.map((part) => part.isReady));
  const sum = (of: keyof FleetCounts): number => parts.reduce((total, { counts }) => total + counts()[of], 0);
  const counts = (): FleetCounts => ({ in: sum('in'), replies: sum('replies'), commands: sum('commands'), failures: sum('failures') });
  return {
    hosts,
    counts,
    cpuMs: () => parts.reduce((total, { pid }) => total + cpuMs(pid), 0),
    connect(url) {
      for (const part of parts) part.send({ do: 'connect', url });
    },
    echo: (url, clients) => parts[0]?.send({ do: 'echo', url, clients }),
    forget() {
      for (const part of parts) part.send({ do: 'forget' });
    },
    async change(host) {
      const part = parts[Math.floor(host / step)];
      if (!part) throw new Error(`there is no host ${host}`);
      return part.change(host % step);
    },
    async untilIn(count, atMostMs, look = () => {}) {
      const endAtMs = performance.now() + atMostMs;
      for (;;) {
        const now = counts();
        look(now);
        if (now.in >= count) return;
        if (performance.now() > endAtMs) throw new Error(`after ${atMostMs / 1_000} s ${now.in} of ${count} agents are in`);
        await pause(LOOK_MS);
      }
    },
    async end() {
      await Promise.all(parts.map((part) => part.end()));
    },
  };
}

interface Part {
  readonly pid: number;
  /** It has read who its hosts are. */
  readonly isReady: Promise<void>;
  counts(): FleetCounts;
  send(order: FleetOrder): void;
  change(index: number): Promise<{ readonly guest: string; readonly atMs: number }>;
  end(): Promise<void>;
}

function startPart(identitiesPath: string, from: number, to: number): Part {
  const args = ['infra/run.mjs', 'test/bench/link/agents.ts', identitiesPath, String(from), String(to)];
  const child: ChildProcess = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const changes: ((told: { readonly guest: string; readonly atMs: number }) => void)[] = [];
  let counts: FleetCounts = { in: 0, replies: 0, commands: 0, failures: 0 };
  const isReady = new Promise<void>((resolve, reject) => {
    child.once('message', () => resolve());
    child.once('exit', () => reject(new Error('a process of agents has ended before it began')));
  });
  child.on('message', (received) => {
    const word = FleetWord.parse(received);
    if (word.say === 'counts') counts = word;
    else changes.shift()?.(word);
  });
  const send = (order: FleetOrder): void => void child.send(order);
  return {
    pid: child.pid ?? 0,
    isReady,
    counts: () => counts,
    send,
    change: (index) =>
      new Promise((resolve) => {
        changes.push(resolve);
        send({ do: 'change', index });
      }),
    async end() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
