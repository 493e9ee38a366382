import type { GuestView } from '@drover/shared/api/views';
import { colour, colourOfState, facts, table } from './print.ts';
import type { Terminal } from './terminal.ts';
import { formatBytes, formatDuration, formatTime } from './units.ts';

export function guestTable(terminal: Terminal, guests: readonly GuestView[]): string {
  return table(terminal, guests, [
    { title: 'ID', value: (guest) => String(guest.id), align: 'right' },
    { title: 'NAME', value: (guest) => guest.name, shrinks: true },
    { title: 'TYPE', value: (guest) => guest.type },
    { title: 'STATE', value: stateWord, colour: (guest) => colourOfState(guest.state) },
    { title: 'ADDRESS', value: (guest) => guest.addresses[0] ?? '-' },
    { title: 'HOST', value: (guest) => guest.host.name, shrinks: true },
    { title: 'CORES', value: (guest) => String(guest.cores), align: 'right' },
    { title: 'MEMORY', value: (guest) => formatBytes(guest.memoryBytes), align: 'right' },
    { title: 'TAGS', value: (guest) => guest.tags.join(','), shrinks: true },
  ]);
}

/** The state, with a mark when there is more to know about it. */
const stateWord = (guest: GuestView): string => (guest.problem ? `${guest.state} (!)` : guest.state);

export function guestFacts(terminal: Terminal, guest: GuestView, nowMs: number): string {
  const state = colour(terminal, colourOfState(guest.state), guest.state);
  const since = guest.startedAtMs === null || guest.state !== 'running' ? '' : ` for ${formatDuration(nowMs - guest.startedAtMs)}`;
  return (
    `${state}${since}${guest.reason ? `: ${guest.reason}` : ''}\n` +
    facts(terminal, [
      ['name', `${guest.name} (${guest.id})`],
      ['type', guest.type === 'vm' ? `virtual machine${guest.accelerator ? ` (${guest.accelerator})` : ''}` : containerWord(guest)],
      ['host', guest.host.name],
      ['address', guest.addresses.join(', ')],
      ['now', activityOf(guest)],
      ['problem', guest.problem ? [guest.problem.detail, guest.problem.suggestion].filter(Boolean).join('\n') : null],
      ['memory', formatBytes(guest.memoryBytes) + (guest.swapBytes ? ` and ${formatBytes(guest.swapBytes)} swap` : '')],
      ['cores', String(guest.cores)],
      ['processes', guest.processesMax === null ? null : `at most ${guest.processesMax}`],
      ['firmware', guest.firmware],
      ['image', guest.image?.name ?? null],
      ['disks', guest.disks.map((disk) => `${disk.name}: ${formatBytes(disk.sizeBytes)}`).join('\n')],
      ['nics', guest.nics.map((nic) => `${nic.name}: ${nic.mac}`).join('\n')],
      ['start at boot', bootWord(guest)],
      ['shutdown', `${guest.shutdownTimeoutS} s when its host goes down`],
      ['after a restart', guest.needsRestart.join(', ')],
      ['crashes', guest.crashes > 0 ? String(guest.crashes) : null],
      ['tags', guest.tags.join(', ')],
      ['notes', guest.notes],
      ['created', formatTime(guest.createdAtMs)],
      ['heard', guest.heardAtMs === null ? 'never' : `${formatDuration(nowMs - guest.heardAtMs)} ago`],
      ['generation', `${guest.generation}${guest.appliedGeneration < guest.generation ? ` (applied: ${guest.appliedGeneration})` : ''}`],
    ])
  );
}

function bootWord({ startAtBoot, startOrder, startDelayS }: GuestView): string {
  if (!startAtBoot) return 'no';
  const order = startOrder === null ? '' : `, order ${startOrder}`;
  return `yes${order}${startDelayS === 0 ? '' : `, the next ones ${startDelayS} s later`}`;
}

const containerWord = (guest: GuestView): string => (guest.unprivileged === false ? 'privileged container' : 'container');

function activityOf(guest: GuestView): string | null {
  if (guest.activity) return guest.activity.detail ? `${guest.activity.title}: ${guest.activity.detail}` : guest.activity.title;
  return guest.waitingFor ? `waiting for ${guest.waitingFor}` : null;
}
