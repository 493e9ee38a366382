import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { CellFilesView, CellsView } from '@drover/shared/api/cells';
import type { GuestView, HostView, TaskView } from '@drover/shared/api/views';
import type { z } from 'zod';
import { type BrokerProgram, freePort, mosquitto } from '../contract/broker-programs.ts';
import type { MachineEvent } from '../simulation/machine.ts';
import { type Api, createApi } from '../system/api.ts';
import { layWire, type Wire } from '../system/proxy.ts';
import { type Part, startPart } from './part.ts';

/** After the last fault everything must be as wished within this. */
export const CONVERGES_MS = 30_000;
const LOOK_MS = 50;

const here = (name: string) => join(import.meta.dirname, `${name}.mjs`);

/** Through which broker a fleet speaks: the one within the control plane, or a process of its own. */
export type BrokerKind = 'embedded' | 'mosquitto';

/** A control plane, a host and a broker, as processes that can be ended anywhere, and the wires between them. */
export class Fleet {
  controlPlane!: Part;
  agent!: Part;
  api!: Api;
  /** Null: it is the control plane. */
  broker: BrokerProgram | null = null;
  /** Something went wrong here, and nobody knows what is left of it. */
  isSpoilt = false;
  /** All that the host has to the rest: to the control plane, and to the broker. */
  readonly wires: Wire[] = [];
  #guests = 0;
  /** When the last process was started: until then something was amiss. */
  #completeAtMs = 0;

  private constructor(
    readonly dataPath: string,
    private readonly port: number,
    readonly kind: BrokerKind,
  ) {}

  static async start(kind: BrokerKind): Promise<Fleet> {
    const fleet = new Fleet(mkdtempSync(join(import.meta.dirname, 'fleet-')), await freePort(), kind);
    try {
      await fleet.#start();
    } catch (thrown) {
      await fleet.close();
      throw thrown;
    }
    return fleet;
  }

  async #start(): Promise<void> {
    this.wires.push(await layWire(this.port));
    await this.startControlPlane();
    const token = readFileSync(join(this.dataPath, 'control-plane/local-token'), 'utf8').trim();
    this.api = createApi(`http://127.0.0.1:${this.port}`, token);
    if (this.kind === 'mosquitto') await this.#startMosquitto();
    await this.startAgent();
    await this.until('the host is ready', async () => {
      const { items } = await this.api.get<{ items: { ready: boolean }[] }>('/networks');
      return items.length > 0 && items.every(({ ready }) => ready);
    });
  }

  /** A cell of its own, to which the host comes. */
  async #startMosquitto(): Promise<void> {
    this.broker = await mosquitto(async (ownUrl) => {
      const wire = await layWire(Number(new URL(ownUrl).port));
      this.wires.push(wire);
      await this.api.send('POST', '/cells', { name: 'chaos', profile: 'mosquitto', urls: [`mqtts://localhost:${wire.port}`], ownUrl });
      return (await this.api.get<z.infer<typeof CellFilesView>>('/cells/chaos/setup')).files;
    });
    // It ends with us, however we end.
    process.once('exit', () => this.broker?.signal('SIGKILL'));
    await this.api.send('POST', '/cells/main/drain', {});
    await this.until('the cell is served', async () => {
      const { items } = await this.api.get<z.infer<typeof CellsView>>('/cells');
      return items.some(({ name, served }) => name === 'chaos' && served);
    });
  }

  newName(): string {
    this.#guests += 1;
    return `g${this.#guests}`;
  }

  async startControlPlane(): Promise<void> {
    this.controlPlane = startPart(here('control-plane'), [], { DROVER_DATA: this.dataPath, DROVER_PORT: String(this.port) });
    await this.controlPlane.untilSays(/control plane is at/);
    this.#completeAtMs = Date.now();
  }

  async startAgent(): Promise<void> {
    const isNew = !existsSync(join(this.hostPath, 'identity.json'));
    const token = isNew ? (await this.api.send<{ token: string }>('POST', '/hosts/enrolments', {})).token : '';
    this.agent = startPart(here('agent'), ['--url', this.wires[0]?.url ?? '', '--token', token, '--data', this.hostPath], {});
    await this.agent.untilSays(/the agent runs/);
    this.#completeAtMs = Date.now();
  }

  get hostPath(): string {
    return join(this.dataPath, 'host');
  }

  /** What really happened to guests on the host, from the first event on. */
  events(): readonly MachineEvent[] {
    const path = join(this.hostPath, 'events.jsonl');
    if (!existsSync(path)) return [];
    return readFileSync(path, 'utf8')
      .split('\n')
      .flatMap((line) => (line ? [JSON.parse(line) as MachineEvent] : []));
  }

  /** Asks as a careful client does: the same key again until there is an answer, so that a lost answer is no second write. */
  async ask<T>(method: string, path: string, body: unknown = {}): Promise<T> {
    const key = randomUUID();
    const giveUpAtMs = Date.now() + CONVERGES_MS;
    for (;;) {
      const response = await this.api.raw(method, path, body, { 'idempotency-key': key }).catch(() => null);
      if (response?.ok) return (await response.json()) as T;
      if (response && response.status < 500) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
      if (Date.now() > giveUpAtMs) throw new Error(`${method} ${path}: no answer`);
      await this.revive();
      await pause(20);
    }
  }

  /** Starts what has ended. */
  async revive(): Promise<void> {
    if (!this.controlPlane.isRunning()) await this.startControlPlane();
    if (!this.agent.isRunning()) await this.startAgent();
  }

  /** Everything is as wished, and nobody waits for anything; throws with what is not when that does not come about in time. */
  converged(): Promise<void> {
    return this.until('everything is as wished', async () => {
      await this.revive();
      const { items: hosts } = await this.api.get<{ items: HostView[] }>('/hosts');
      const { items: tasks } = await this.api.get<{ items: TaskView[] }>('/tasks?state=active');
      const { items: guests } = await this.api.get<{ items: GuestView[] }>('/guests?limit=1000');
      const isSettled = ({ condition, generation, appliedGeneration, state }: GuestView) =>
        condition === 'settled' && generation === appliedGeneration && state !== 'unknown';
      return hosts.every(({ connected }) => connected) && tasks.length === 0 && guests.every(isSettled)
        ? true
        : JSON.stringify({
            connected: hosts.map(({ connected }) => connected),
            tasks: tasks.map(({ title, state }) => `${title}: ${state}`),
            guests: guests.filter((guest) => !isSettled(guest)).map(({ name, state, condition }) => `${name}: ${state}, ${condition}`),
          });
    });
  }

  async until(what: string, holds: () => Promise<boolean | string>): Promise<void> {
    const beganAtMs = Date.now();
    for (;;) {
      const seen = await holds().catch((error: unknown) => String(error));
      if (seen === true) return;
      if (Date.now() > Math.max(beganAtMs, this.#completeAtMs) + CONVERGES_MS)
        throw new Error(`after ${CONVERGES_MS / 1_000} s it is not so that ${what}${seen ? `: ${seen}` : ''}`);
      await pause(LOOK_MS);
    }
  }

  /** What each process said last, for whoever looks for what went wrong. */
  lastWords(): string {
    const parts = [['control plane', this.controlPlane] as const, ['agent', this.agent] as const];
    return parts.map(([name, part]) => `\n${name}:\n${part.output().trimEnd().split('\n').slice(-8).join('\n')}`).join('');
  }

  async close(): Promise<void> {
    // The first of them may not have come to start.
    for (const part of [this.agent, this.controlPlane] as (Part | undefined)[]) {
      part?.signal('SIGKILL');
      await part?.ended;
    }
    await this.broker?.close();
    for (const wire of this.wires) await wire.close();
    rmSync(this.dataPath, { recursive: true, force: true });
  }
}
