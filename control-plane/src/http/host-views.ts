import type { GuestFiguresView, HardwareView, HostFiguresView, HostSettings } from '@drover/shared/api/host-views';
import type { Hardware } from '@drover/shared/model/hardware';
import type { GuestId } from '@drover/shared/model/id';
import type { FiguresWrite } from '../core/change.ts';
import type { Held, Host } from '../core/held.ts';

type HostRef = Pick<Host, 'id' | 'name'>;
const refOf = ({ id, name }: HostRef) => ({ id, name });

export function settingsView(settings: Held<'host'> | null): HostSettings {
  const { tags = [], notes = '', location = '', startDelayS = 0, maintenance = false } = settings?.spec ?? {};
  const isAcknowledged = settings !== null && settings.ackedGeneration >= settings.generation;
  return {
    tags,
    notes,
    location,
    startDelayS,
    maintenance,
    condition: settings === null ? null : isAcknowledged ? (settings.status?.condition ?? 'pending') : 'pending',
    problem: settings?.status?.problem ?? null,
  };
}

export function hardwareView(host: HostRef, hardware: Hardware | null): HardwareView {
  const { processorFlags = [], numa = [], disks = [], nics = [], pci = [], usb = [], cut = [] } = hardware ?? {};
  return { host: refOf(host), isKnown: hardware !== null, processorFlags, numa, disks, nics, pci, usb, cut };
}

export function hostFiguresView(host: HostRef, told: FiguresWrite | null, nowMs: number): HostFiguresView {
  return {
    host: refOf(host),
    ...ageOf(told, nowMs),
    figures: told?.figures.host ?? null,
    guests: told?.figures.guests ?? [],
    guestsAreCut: told?.figures.guestsAreCut ?? false,
  };
}

export function guestFiguresView(guest: GuestId, told: FiguresWrite | null, nowMs: number): GuestFiguresView {
  const figures = told?.figures.guests.find(({ id }) => id === guest) ?? null;
  return { guest, ...ageOf(figures === null ? null : told, nowMs), figures };
}

const ageOf = (told: FiguresWrite | null, nowMs: number) => ({
  atMs: told?.atMs ?? null,
  ageMs: told === null ? null : Math.max(0, nowMs - told.atMs),
});
