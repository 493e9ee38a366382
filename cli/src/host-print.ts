import { FIGURES_FRESH_MS } from '@drover/shared/api/figures-age';
import type { HardwareView, HostFiguresView } from '@drover/shared/api/host-views';
import type { HostView } from '@drover/shared/api/views';
import type { HostDisk } from '@drover/shared/model/hardware';
import { colour, colourOfState, facts, table } from './print.ts';
import type { Terminal } from './terminal.ts';
import { formatBytes, formatDuration } from './units.ts';

export const stateOf = ({ health }: HostView): string => health.state.replaceAll('-', ' ');

export function hostTable(terminal: Terminal, hosts: readonly HostView[]): string {
  return table(terminal, hosts, [
    { title: 'NAME', value: (host) => host.name, shrinks: true },
    { title: 'STATE', value: stateOf, colour: (host) => colourOfState(stateOf(host)) },
    { title: 'GUESTS', value: (host) => `${host.guests.running}/${host.guests.total}`, align: 'right' },
    { title: 'CORES', value: (host) => String(host.cores ?? '-'), align: 'right' },
    { title: 'MEMORY', value: (host) => (host.memoryBytes === null ? '-' : formatBytes(host.memoryBytes)), align: 'right' },
    { title: 'ADDRESS', value: (host) => host.addresses[0] ?? '-' },
    { title: 'SYSTEM', value: (host) => host.os ?? '-', shrinks: true },
    { title: 'AGENT', value: (host) => host.agentVersion ?? '-' },
    { title: 'TAGS', value: (host) => host.settings.tags.join(','), shrinks: true },
  ]);
}

const sinceOf = ({ health }: HostView, nowMs: number): string =>
  health.sinceMs === null ? '' : `, for ${formatDuration(nowMs - health.sinceMs)}`;

/** What stands together, under a heading; nothing when there is nothing to say. */
function section(terminal: Terminal, title: string, text: string): string {
  return text === '' ? '' : `\n${colour(terminal, 'bold', title)}\n${text}`;
}

export function hostFacts(terminal: Terminal, host: HostView, figures: HostFiguresView | null, nowMs: number): string {
  return (
    `${colour(terminal, colourOfState(stateOf(host)), stateOf(host))}${sinceOf(host, nowMs)}\n` +
    [host.health.detail, host.health.fix].map((line) => (line === null ? '' : `${line}\n`)).join('') +
    facts(terminal, [
      ['name', host.name],
      ['id', host.id],
      ['fingerprint', host.fingerprint],
      ['addresses', host.addresses.join(', ')],
      ['guests', `${host.guests.running} of ${host.guests.total} running`],
      ['cell', host.cell === 'main' ? null : host.cell],
      ['agent', host.agentVersion],
      [
        'paused',
        host.paused &&
          `on the host, ${formatDuration(nowMs - host.paused.sinceMs)} ago${host.paused.reason ? `: ${host.paused.reason}` : ''}; drover-agent resume there ends it`,
      ],
      ['heard', host.heardAtMs === null ? 'never' : `${formatDuration(nowMs - host.heardAtMs)} ago`],
      ['orphans', host.orphans.map((orphan) => `${orphan.kind} ${orphan.id}`).join(', ')],
    ]) +
    section(terminal, 'Settings', settingsFacts(terminal, host)) +
    section(terminal, 'Machine', machineFacts(terminal, host)) +
    (figures?.figures ? section(terminal, 'Now', figuresFacts(terminal, figures)) : '') +
    section(terminal, 'What it can do', driverLines(terminal, host)) +
    section(
      terminal,
      'Packages',
      facts(
        terminal,
        host.packages.map(({ name, version }) => [name, version] as const),
      ),
    )
  );
}

function settingsFacts(terminal: Terminal, { settings }: HostView): string {
  const { condition, problem } = settings;
  return facts(terminal, [
    ['tags', settings.tags.join(', ')],
    ['location', settings.location],
    ['start delay', settings.startDelayS === 0 ? null : `${settings.startDelayS} s after it has booted`],
    ['maintenance', settings.maintenance ? 'yes: no guest is placed there unasked' : null],
    ['notes', settings.notes],
    ['told', condition === null || condition === 'settled' ? null : (problem?.detail ?? 'the host has not acknowledged them yet')],
  ]);
}

function machineFacts(terminal: Terminal, { machine, processor, kvm, ...host }: HostView): string {
  const counts = [
    processor?.sockets === undefined ? null : `${processor.sockets} sockets`,
    processor?.cores === undefined ? null : `${processor.cores} cores`,
    host.cores === null ? null : `${host.cores} threads`,
  ];
  return facts(terminal, [
    ['model', [machine?.vendor, machine?.product].filter(Boolean).join(' ')],
    ['kind', [machine?.chassis, machine?.virtual ? `itself virtual, on ${machine.virtual}` : null].filter(Boolean).join(', ')],
    ['processor', [host.cpuModel, ...counts].filter((part) => part !== null).join(', ')],
    ['microcode', processor?.microcode ?? null],
    ['memory', host.memoryBytes === null ? null : formatBytes(host.memoryBytes)],
    ['KVM', kvm === null ? null : kvm.usable ? 'usable' : (kvm.reason ?? 'not usable')],
    ['system', [host.os, host.kernel, host.architecture].filter((part) => part !== null).join(', ')],
  ]);
}

function driverLines(terminal: Terminal, host: HostView): string {
  const lines = host.drivers.map((driver) => {
    const state = driver.usable ? colour(terminal, 'green', 'ready') : colour(terminal, 'red', 'not usable');
    const version = driver.version ? ` ${driver.version}` : '';
    return `  ${state}  ${driver.port}: ${driver.title}${version}${driver.reason ? `\n         ${driver.reason}` : ''}\n`;
  });
  return lines.join('');
}

const percentOf = (fraction: number): string => `${(fraction * 100).toFixed(fraction < 0.1 ? 1 : 0)} %`;
const filled = (part: { readonly usedBytes: number; readonly totalBytes: number } | undefined): string | null =>
  part === undefined || part.totalBytes === 0 ? null : `${formatBytes(part.usedBytes)} of ${formatBytes(part.totalBytes)}`;
const rates = (flow: { readonly in: number; readonly out: number } | undefined, into: string, out: string): string | null =>
  flow === undefined ? null : `${formatBytes(Math.round(flow.in))}/s ${into}, ${formatBytes(Math.round(flow.out))}/s ${out}`;
const pressed = (name: string, pressure: { readonly some: number; readonly full?: number | undefined } | undefined): string | null =>
  pressure === undefined ? null : `${name} ${percentOf(pressure.some)}`;

/** The newest figures of a host; those that are not known are left out. */
export function figuresFacts(terminal: Terminal, { figures, ageMs, guests }: HostFiguresView): string {
  if (figures === null || ageMs === null) return 'no figures: the host has told none\n';
  const { load, pressure } = figures;
  const isOld = ageMs > FIGURES_FRESH_MS;
  const text = facts(terminal, [
    ['measured', `${formatDuration(ageMs)} ago${isOld ? ', so it may be otherwise now' : ''}`],
    ['up', figures.uptimeS === undefined ? null : formatDuration(figures.uptimeS * 1_000)],
    ['load', load === undefined ? null : load.map((value) => value.toFixed(2)).join(', ')],
    ['processors', figures.cpu === undefined ? null : `${percentOf(figures.cpu)} busy`],
    ['memory', filled(figures.memory)],
    ['swap', filled(figures.swap)],
    [
      'waiting for',
      [pressed('processor', pressure?.cpu), pressed('memory', pressure?.memory), pressed('disks', pressure?.io)]
        .filter((part) => part !== null)
        .join(', '),
    ],
    ['disks', rates(figures.disk, 'read', 'written')],
    ['network', rates(figures.network, 'in', 'out')],
    ...(figures.storages ?? []).map((storage) => [`storage ${storage.name}`, filled(storage)] as const),
  ]);
  const rows = [...guests].sort((a, b) => (b.cpu ?? 0) - (a.cpu ?? 0));
  const guestRows = table(terminal, rows, [
    { title: 'GUEST', value: ({ id }) => String(id), align: 'right' },
    { title: 'CORES USED', value: ({ cpu }) => (cpu === undefined ? '-' : cpu.toFixed(2)), align: 'right' },
    { title: 'MEMORY', value: ({ memoryBytes }) => (memoryBytes === undefined ? '-' : formatBytes(memoryBytes)), align: 'right' },
    { title: 'DISK', value: ({ disk }) => rates(disk, 'read', 'written') ?? '-' },
    { title: 'NETWORK', value: ({ network }) => rates(network, 'in', 'out') ?? '-' },
  ]);
  return text + (rows.length === 0 ? '' : guestRows);
}

export function hardwareFacts(terminal: Terminal, hardware: HardwareView): string {
  if (!hardware.isKnown) return `${hardware.host.name} has not said what it is made of: its agent may be older than that.\n`;
  const parts = [
    section(
      terminal,
      'Disks',
      hardware.disks.length === 0
        ? ''
        : table(terminal, hardware.disks, [
            { title: 'NAME', value: ({ name }) => name },
            { title: 'SIZE', value: ({ sizeBytes }) => formatBytes(sizeBytes), align: 'right' },
            { title: 'KIND', value: kindOfDisk },
            { title: 'MODEL', value: ({ model }) => model ?? '-', shrinks: true },
            { title: 'SERIAL', value: ({ serial }) => serial ?? '-', shrinks: true },
            { title: 'HEALTH', value: healthOf, colour: ({ health }) => HEALTH_COLOURS[health.state], shrinks: true },
            { title: 'USED BY', value: ({ usedBy }) => usedBy.join(', ') || '-', shrinks: true },
          ]),
    ),
    section(
      terminal,
      'Network cards',
      hardware.nics.length === 0
        ? ''
        : table(terminal, hardware.nics, [
            { title: 'NAME', value: ({ name }) => name },
            { title: 'KIND', value: ({ kind }) => kind },
            { title: 'LINK', value: ({ link }) => (link === undefined ? '-' : link ? 'up' : 'down') },
            { title: 'SPEED', value: ({ speedMbps }) => (speedMbps === undefined ? '-' : `${speedMbps} Mbit/s`), align: 'right' },
            { title: 'MAC', value: ({ mac }) => mac ?? '-' },
            { title: 'DRIVER', value: ({ driver }) => driver ?? '-' },
            { title: 'PART OF', value: ({ master }) => master ?? '-' },
          ]),
    ),
    section(
      terminal,
      'PCI devices',
      hardware.pci.length === 0
        ? ''
        : table(terminal, hardware.pci, [
            { title: 'SLOT', value: ({ slot }) => slot },
            { title: 'IDS', value: ({ ids }) => ids },
            { title: 'DEVICE', value: (device) => [device.class, device.name].filter(Boolean).join(': ') || '-', shrinks: true },
            { title: 'DRIVER', value: ({ driver }) => driver ?? '-' },
            { title: 'IOMMU', value: ({ iommuGroup }) => String(iommuGroup ?? '-'), align: 'right' },
          ]),
    ),
    section(
      terminal,
      'USB devices',
      hardware.usb.length === 0
        ? ''
        : table(terminal, hardware.usb, [
            { title: 'PORT', value: ({ port }) => port },
            { title: 'IDS', value: ({ ids }) => ids },
            { title: 'DEVICE', value: ({ name }) => name ?? '-', shrinks: true },
            { title: 'SERIAL', value: ({ serial }) => serial ?? '-', shrinks: true },
          ]),
    ),
    section(
      terminal,
      'NUMA nodes',
      facts(
        terminal,
        hardware.numa.map(({ node, cpus, memoryBytes }) => [`node ${node}`, `processors ${cpus}, ${formatBytes(memoryBytes)}`] as const),
      ),
    ),
    section(terminal, 'Processor flags', hardware.processorFlags.length === 0 ? '' : `${hardware.processorFlags.join(' ')}\n`),
    hardware.cut.length === 0 ? '' : `\nNot whole, as there are more than can be sent: ${hardware.cut.join(', ')}\n`,
  ];
  return parts.join('').replace(/^\n/, '');
}

const HEALTH_COLOURS = { good: 'green', failing: 'red', unknown: null } as const;

function healthOf({ health }: HostDisk): string {
  const worn = health.worn === undefined ? null : `${Math.round(health.worn * 100)} % worn`;
  return [health.state, worn, health.detail].filter((part) => part !== null && part !== undefined).join(', ');
}

function kindOfDisk({ rotational, transport }: HostDisk): string {
  const kind = rotational === undefined ? null : rotational ? 'hard disk' : 'SSD';
  return [kind, transport].filter(Boolean).join(', ') || '-';
}
