import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Problem } from '@drover/shared/lib/problem';
import { z } from 'zod';
import { readTextIfThere, removeFileDurably, writeFileDurably } from '../../host/durable-file.ts';
import { run } from '../../host/shell.ts';
import { Dnsmasq } from './dnsmasq.ts';
import { dnsmasqConfig } from './dnsmasq-config.ts';
import type { Network, NetworkGuest } from './driver.ts';
import { GuestNames } from './guest-names.ts';
import { LeaseFile, withoutLeases } from './leases.ts';
import type { NatDriverOptions } from './nat.ts';
import { bridgeMark, ensureBridge, isBridgeReady, isOwnBridge, removeBridge } from './nat-bridge.ts';
import { areNatRules, natRuleset, natTableName } from './nat-rules.ts';
import { NatSettings, type ParsedNatSettings } from './nat-settings.ts';

/** How long the kernel's rules are taken to be as last seen: looking costs a process. */
const RULES_SEEN_MS = 15_000;
const FORWARDING = '/proc/sys/net/ipv4/ip_forward';
/** Above this share of the addresses, those of guests that are gone are taken back before their leases run out. */
const LEASES_FULL = 0.75;

/** network.json: what has been made, or was about to be, so that it can be taken away when the settings are others by then. */
const Made = z.strictObject({ v: z.literal(1), ...NatSettings.shape });
type Made = z.infer<typeof Made>;

export class NatNetwork implements Network {
  readonly bridge: string;
  private readonly settings: ParsedNatSettings;
  private readonly options: NatDriverOptions;
  private readonly mark: string;
  /** Lasts as long as the network. */
  private readonly folder: string;
  /** Lasts until the host boots. */
  private readonly runFolder: string;
  private readonly names: GuestNames;
  private readonly leases: LeaseFile;
  private readonly dnsmasq: Dnsmasq;
  private rulesSeenAtMs = Number.NEGATIVE_INFINITY;
  private turn: Promise<void> = Promise.resolve();

  constructor(id: string, settings: ParsedNatSettings, options: NatDriverOptions) {
    const { config, clock } = options;
    this.bridge = settings.bridge;
    this.settings = settings;
    this.options = options;
    this.mark = bridgeMark(config.instance, id);
    this.folder = join(config.dataPath, 'networks', id);
    this.runFolder = join(config.runPath, 'networks', id);
    this.names = new GuestNames(join(this.runFolder, 'hosts'));
    this.leases = new LeaseFile(this.leasesPath, settings.subnet);
    this.dnsmasq = new Dnsmasq({ folder: this.runFolder, unit: `drover${config.instance}-dns-${id}`, clock });
  }

  ensure(signal: AbortSignal): Promise<void> {
    return this.inTurn(async () => {
      this.refuseUnlisted();
      const made = this.readMade();
      if (made && made.bridge !== this.bridge) await this.takeAway(made.bridge, signal);
      this.writeMade(made);
      const isNewBridge = await ensureBridge(this.settings, this.mark, signal);
      this.allowForwarding();
      if (!(await this.areRulesLoaded())) await this.loadRules(signal);
      this.names.ensure();
      // dnsmasq listens to a device, not to a name: a bridge made anew needs a dnsmasq started anew.
      await this.dnsmasq.ensure(this.dnsmasqConfig(), isNewBridge);
    });
  }

  async ready(): Promise<boolean> {
    if (!isBridgeReady(this.settings, this.mark) || !isForwarding() || !this.names.exists()) return false;
    if (!this.dnsmasq.isRunning(this.dnsmasqConfig())) return false;
    return this.options.clock.now() - this.rulesSeenAtMs < RULES_SEEN_MS || (await this.areRulesLoaded());
  }

  /** Its record is written before anything else is made, and removed after all else. */
  async exists(): Promise<boolean> {
    return existsSync(this.madePath) || isOwnBridge(this.bridge, this.mark);
  }

  remove(signal: AbortSignal): Promise<void> {
    return this.inTurn(async () => {
      await this.takeAway(this.readMade()?.bridge ?? this.bridge, signal);
      rmSync(this.runFolder, { recursive: true, force: true });
      rmSync(this.leasesPath, { force: true });
      // Last, so that a removal that was cut short is done again.
      removeFileDurably(this.madePath);
      rmSync(this.folder, { recursive: true, force: true });
    });
  }

  async register(guest: NetworkGuest): Promise<void> {
    if (!this.names.has(guest.mac)) await this.inTurn(() => this.takeBackLeases(guest.mac));
    if (this.names.write(guest.mac, guest.guestName) === 'replaced') this.dnsmasq.reread();
  }

  async unregister(mac: string): Promise<void> {
    if (this.names.remove(mac)) this.dnsmasq.reread();
  }

  async addresses(mac: string): Promise<readonly string[]> {
    return this.leases.addresses(mac, this.options.clock.now());
  }

  watch(changed: (mac: string) => void): () => void {
    this.makeFolder();
    return this.leases.watch(changed);
  }

  /** One after another: ensuring, removing and restarting the same network must not meet. */
  private inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.turn.then(work);
    // The next in line does not care how this one ended; its caller does.
    this.turn = turn.catch(() => {});
    return turn;
  }

  private refuseUnlisted(): void {
    const { bridges } = this.options.config;
    if (bridges.includes(this.bridge)) return;
    throw new Problem('not-allowed', `this host does not let networks use a bridge named ${this.bridge}`, {
      field: 'config.bridge',
      suggestion: `use one of ${bridges.join(', ')}, or add it to "bridges" in agent.json on the host`,
    });
  }

  private async takeAway(bridge: string, signal: AbortSignal): Promise<void> {
    await removeBridge(bridge, this.mark, signal);
    await this.dnsmasq.end();
    const table = natTableName(this.options.config.instance, bridge);
    await run('nft', ['-f', '-'], { input: `table inet ${table} {}\ndelete table inet ${table}\n`, signal, timeoutMs: 10_000 });
    this.rulesSeenAtMs = Number.NEGATIVE_INFINITY;
  }

  /** Forwarding is the host's switch, not the network's: it is not switched off again, since by then others may need it. */
  private allowForwarding(): void {
    if (isForwarding()) return;
    writeFileSync(FORWARDING, '1');
    this.options.log(
      `switched on IPv4 forwarding on this host (net.ipv4.ip_forward): guests behind ${this.bridge} need it to reach the network`,
    );
  }

  private async areRulesLoaded(): Promise<boolean> {
    const table = natTableName(this.options.config.instance, this.bridge);
    const listed = await run('nft', ['list', 'table', 'inet', table], { okCodes: [0, 1], timeoutMs: 10_000 });
    const loaded = areNatRules(listed.stdout, this.settings);
    this.rulesSeenAtMs = loaded ? this.options.clock.now() : Number.NEGATIVE_INFINITY;
    return loaded;
  }

  private async loadRules(signal: AbortSignal): Promise<void> {
    await run('nft', ['-f', '-'], { input: natRuleset(this.options.config.instance, this.settings), signal, timeoutMs: 10_000 });
    this.rulesSeenAtMs = this.options.clock.now();
  }

  private dnsmasqConfig(): string {
    return dnsmasqConfig(this.settings, {
      hostsFolder: this.names.folder,
      leasesPath: this.leasesPath,
      user: this.names.isOpenToAll() ? dnsmasqUser() : null,
      resolvPath: resolverConfig(),
    });
  }

  /** dnsmasq keeps a lease until it runs out, also when its guest is deleted: before a small network is full of those, they go. */
  private async takeBackLeases(forMac: string): Promise<void> {
    const macs = this.leases.macs();
    if (macs.length < this.settings.subnet.leasesMax * LEASES_FULL) return;
    const isHeld = (mac: string) => mac === forMac || this.names.has(mac);
    if (macs.every(isHeld)) return;
    this.names.ensure();
    await this.dnsmasq.end();
    writeFileDurably(this.leasesPath, withoutLeases(readTextIfThere(this.leasesPath) ?? '', isHeld));
    await this.dnsmasq.ensure(this.dnsmasqConfig(), false);
  }

  private readMade(): Made | null {
    const text = readTextIfThere(this.madePath);
    return text === null ? null : Made.parse(JSON.parse(text));
  }

  private writeMade(before: Made | null): void {
    const made: Made = { v: 1, bridge: this.bridge, subnet: this.settings.subnet.text };
    if (before?.bridge === made.bridge && before.subnet === made.subnet) return;
    this.makeFolder();
    writeFileDurably(this.madePath, `${JSON.stringify(made)}\n`);
  }

  private makeFolder(): void {
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
  }

  private get madePath(): string {
    return join(this.folder, 'network.json');
  }

  private get leasesPath(): string {
    return join(this.folder, 'leases');
  }
}

const isForwarding = (): boolean => readFileSync(FORWARDING, 'latin1').trim() === '1';

/** The user that Debian makes for it; elsewhere nobody. */
function dnsmasqUser(): string {
  return /^dnsmasq:/m.test(readFileSync('/etc/passwd', 'utf8')) ? 'dnsmasq' : 'nobody';
}

/** dnsmasq refuses to start when the folder of its resolver file is missing: a link into a folder that some service makes later. */
function resolverConfig(): string | null {
  const path = '/etc/resolv.conf';
  try {
    return existsSync(dirname(realpathSync(path))) ? path : null;
  } catch {
    // No such file, or a link into nowhere: the host has no resolver.
    return null;
  }
}
