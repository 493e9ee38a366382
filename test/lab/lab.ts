import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { realClock } from '@drover/shared/lib/clock';
import { Problem } from '@drover/shared/lib/problem';
import { lookAtQemu } from '../../agent/src/drivers/guest/qemu-host.ts';
import { endSupervised, killSupervised, type Supervised, waitUntilGone } from '../../agent/src/host/supervise.ts';
import { startControlPlane } from './control-plane.ts';
import { LabHost } from './host.ts';
import { ensureImage } from './image.ts';
import { pullPower, resume } from './machine.ts';
import { gatewayOf, lowerNetwork, raiseNetwork, takeSubnet } from './network.ts';
import type { Release } from './recipe.ts';
import { ensureSaved } from './saved.ts';
import type { Say } from './say.ts';
import { hasLab, hostFolder, labFolder, readHost, readLab, writeLab } from './state.ts';

export const HOSTS_MAX = 8;
export const MEMORY_MIB = 1_536;
const MEMORY_MIB_MIN = 512;
/** What a host costs this machine at most beyond the memory it has: the code of its processor, translated, and QEMU itself. */
const OVERHEAD_MIB = 400;

export interface UpOptions {
  /** Sets labs apart that run at the same time. */
  readonly name?: string;
  readonly hosts?: number;
  readonly release?: Release;
  readonly memoryMiB?: number;
  readonly controlPlane?: boolean;
  readonly say?: Say;
  /** Gives up, and removes what was begun. */
  readonly signal?: AbortSignal;
}

/** A network of hosts that run, driven by any process that knows its name. */
export class Lab {
  readonly name: string;
  readonly hosts: readonly LabHost[];

  private constructor(name: string) {
    this.name = name;
    this.hosts = Array.from({ length: readLab(name).hosts }, (_, index) => new LabHost(name, index + 1));
  }

  /** The one of this name, which another process may have started. */
  static open(name = 'lab'): Lab {
    return new Lab(name);
  }

  /** A new one, whose hosts run when it returns. What was left of one by this name is removed first. */
  static async up(options: UpOptions = {}): Promise<Lab> {
    const { name = 'lab', hosts = 3, release = 'trixie', memoryMiB = MEMORY_MIB, controlPlane = false, say = () => {}, signal } = options;
    refuseWhatCannotBe(hosts, memoryMiB);
    if (hasLab(name) && Lab.open(name).hosts.some((host) => host.isOn()))
      throw new Problem('busy', `the lab ${name} is up already`, { suggestion: 'npm run lab -- down ends it' });
    await Lab.down(name);
    // Before anything is begun that would have to be ended: this may take minutes, once.
    await ensureSaved(await lookAtQemu(), await ensureImage(release, say, signal), memoryMiB, say, signal);
    if (signal?.aborted) throw new Problem('cancelled', 'the lab was not started', { cause: signal.reason });
    mkdirSync(labFolder(name), { recursive: true, mode: 0o711 });
    const subnet = await takeSubnet();
    const record = { name, subnet, release, memoryMiB, hosts: 0, forwardedBefore: true, controlPlane: null };
    try {
      writeLab(record);
      const forwardedBefore = await raiseNetwork(subnet);
      writeLab({ ...record, forwardedBefore });
      const plane = controlPlane ? await startControlPlane(labFolder(name), gatewayOf(subnet), say) : null;
      const begun = { ...record, forwardedBefore, controlPlane: plane };
      writeLab(begun);
      say(`resuming ${hosts === 1 ? 'a host' : `${hosts} hosts`} …`);
      const numbers = Array.from({ length: hosts }, (_, index) => index + 1);
      const outcomes = await Promise.allSettled(numbers.map((number) => resume(begun, number, say)));
      const failed = outcomes.find((outcome) => outcome.status === 'rejected');
      if (failed) throw failed.reason;
      if (signal?.aborted) throw new Problem('cancelled', 'the lab was ended as it began', { cause: signal.reason });
      writeLab({ ...begun, hosts });
      const lab = new Lab(name);
      const settle = async (host: LabHost) => {
        await host.setClock();
        await host.untilOnline();
      };
      await Promise.all(lab.hosts.map(settle));
      return lab;
    } catch (error) {
      await Lab.down(name);
      throw error;
    }
  }

  /** The n-th host, counted from 1 as people do. */
  host(number: number): LabHost {
    const host = this.hosts[number - 1];
    if (!host) throw new Problem('not-found', `the lab has no host ${number}`, { suggestion: 'npm run lab -- list shows which there are' });
    return host;
  }

  /** This machine's address on the lab's network. */
  get gateway(): string {
    return gatewayOf(readLab(this.name).subnet);
  }

  get controlPlaneUrl(): string | null {
    return readLab(this.name).controlPlane?.url ?? null;
  }

  /** Ends the control plane as an operator would, and starts it again with this in its environment. */
  async restartControlPlane(env: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.stopControlPlane();
    const plane = await startControlPlane(labFolder(this.name), this.gateway, () => {}, env);
    writeLab({ ...readLab(this.name), controlPlane: plane });
  }

  async stopControlPlane(): Promise<void> {
    const { controlPlane } = readLab(this.name);
    if (controlPlane) await endControlPlane(controlPlane.process);
  }

  /** Logs and screenshots of all hosts, a folder for each. */
  async collect(folder: string): Promise<void> {
    await Promise.all(this.hosts.map((host) => host.collect(join(folder, host.name))));
    const log = join(labFolder(this.name), 'control-plane.log');
    if (existsSync(log)) copyFileSync(log, join(folder, 'control-plane.log'));
  }

  /** Ends it and removes everything that it made, except the images. */
  async down(): Promise<void> {
    for (const host of this.hosts) host.close();
    await Lab.down(this.name);
  }

  /** The same for whatever there is by this name, also half of one. */
  static async down(name = 'lab'): Promise<void> {
    const folder = labFolder(name);
    if (!existsSync(folder)) return;
    for (const entry of readdirSync(folder)) {
      if (!/^[1-9]$/.test(entry) || !existsSync(join(hostFolder(name, Number(entry)), 'host.json'))) continue;
      await pullPower(name, readHost(name, Number(entry)));
    }
    if (hasLab(name)) {
      const { subnet, forwardedBefore, controlPlane } = readLab(name);
      if (controlPlane) await endControlPlane(controlPlane.process);
      await lowerNetwork(subnet, forwardedBefore);
    }
    rmSync(folder, { recursive: true, force: true });
    try {
      rmdirSync(dirname(folder));
    } catch {
      // Another lab is in it.
    }
  }
}

async function endControlPlane(plane: Supervised): Promise<void> {
  killSupervised(plane, 'SIGTERM');
  await waitUntilGone(plane, realClock, 5_000).catch(() => endSupervised(plane, realClock));
}

function refuseWhatCannotBe(hosts: number, memoryMiB: number): void {
  if (process.getuid?.() !== 0) throw new Problem('not-allowed', 'the lab needs root: it makes a bridge and virtual machines');
  if (!Number.isInteger(hosts) || hosts < 1 || hosts > HOSTS_MAX) throw new Problem('bad-request', `a lab has 1 to ${HOSTS_MAX} hosts`);
  if (!Number.isInteger(memoryMiB) || memoryMiB < MEMORY_MIB_MIN)
    throw new Problem('bad-request', `a host has at least ${MEMORY_MIB_MIN} MiB of memory, as a whole number`);
  const free = Math.floor(Number(/^MemAvailable:\s+(\d+)/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1] ?? 0) / 1_024);
  const needed = hosts * (memoryMiB + OVERHEAD_MIB);
  if (free < needed)
    throw new Problem('no-space', `${hosts} hosts of ${memoryMiB} MiB can come to take ${needed} MiB, and ${free} MiB are free here`, {
      suggestion: 'fewer hosts, or --memory with less',
    });
}
