import type { HardwareView, HostFiguresView } from '@drover/shared/api/host-views';
import { HostId } from '@drover/shared/model/id';
import { describe, expect, it } from 'vitest';
import { capture } from '../../test/cli/capture.ts';
import { editRequest } from './commands/host-facts.ts';
import { statement } from './commands/host-replace.ts';
import { figuresFacts, hardwareFacts } from './host-print.ts';

const host = { id: HostId.parse('host_0123456789'), name: 'fra-1' };
const terminal = capture({ env: {} });
const figuresOf = (over: Partial<HostFiguresView>): string =>
  figuresFacts(terminal, { host, atMs: 1, ageMs: 4_000, figures: {}, guests: [], guestsAreCut: false, ...over });

describe('figures', () => {
  it('are shown in units, and what is not known is left out', () => {
    const memory = { totalBytes: 16 * 2 ** 30, usedBytes: 4 * 2 ** 30, availableBytes: 12 * 2 ** 30 };
    const text = figuresOf({
      figures: { load: [2.184, 1, 0.5], cpu: 0.253, memory, swap: { totalBytes: 0, usedBytes: 0 }, pressure: { io: { some: 0.021 } } },
      guests: [
        { id: 100, memoryBytes: 2 ** 20 },
        { id: 101, cpu: 1.5 },
      ],
    });
    expect(text).toMatch(/^measured +4 s ago$/m);
    expect(text).toMatch(/^load +2\.18, 1\.00, 0\.50$/m);
    expect(text).toMatch(/^memory +4 GiB of 16 GiB$/m);
    expect(text).toMatch(/^waiting for +disks 2\.1 %$/m);
    expect(text).not.toMatch(/swap|network {2}|\b0 B/);
    expect(text.indexOf('  101 ')).toBeLessThan(text.indexOf('  100 '));
    expect(text).toMatch(/^ +100 +- +1 MiB +- +-$/m);
  });

  it('that are old say so, and none are none', () => {
    expect(figuresOf({ ageMs: 300_000 })).toContain('5 min ago, so it may be otherwise now');
    expect(figuresOf({ atMs: null, ageMs: null, figures: null })).toBe('no figures: the host has told none\n');
  });
});

it('hardware is shown with what is wrong with it, and with what is missing', () => {
  const none = { host, isKnown: true, processorFlags: [], numa: [], disks: [], nics: [], pci: [], usb: [], cut: [] };
  const hardware: HardwareView = {
    ...none,
    disks: [
      {
        name: 'sda',
        sizeBytes: 8 * 10 ** 12,
        rotational: true,
        transport: 'sata',
        usedBy: [],
        health: { state: 'unknown', detail: 'smartmontools is not installed' },
      },
    ],
    cut: ['pci'],
  };
  const text = hardwareFacts(terminal, hardware);
  expect(text).toMatch(/^sda +7\.3 TiB +hard disk, sata +- +- +unknown, smartmontools is not installed +-$/m);
  expect(text).toContain('Not whole, as there are more than can be sent: pci');
  expect(hardwareFacts(terminal, { ...none, isKnown: false })).toContain('has not said');
});

it('what becomes of a lost host is said before it is replaced', () => {
  const text = statement({
    from: host,
    to: { ...host, name: 'fra-2' },
    guests: [
      {
        id: 100,
        name: 'web',
        starts: true,
        disks: [
          { name: 'root', image: 'debian-13' },
          { name: 'data', image: null },
        ],
      },
    ],
    images: [{ name: 'my-iso', form: 'iso', becomes: 'upload-again' }],
    storages: [{ name: 'local', isThere: true }],
    networks: [],
  });
  expect(text).toContain('fra-1 is forgotten');
  expect(text).toContain('storage local: as fra-2 has it');
  expect(text).toContain('guest web (100): started once it is made; disks that are not there: root from debian-13, data empty');
  expect(text).toContain('image my-iso (iso): was sent in, and has to be again');
});

describe('what is wished of a host', () => {
  it('is what was named', () => {
    expect(editRequest({ tag: ['edge', 'eu'], tags: true, startDelay: '30', maintenance: false })).toEqual({
      tags: ['edge', 'eu'],
      startDelayS: 30,
      maintenance: false,
    });
    expect(editRequest({ tags: false, location: '' })).toEqual({ tags: [], location: '' });
  });

  it.each([[{ tags: true }], [{ tag: ['a'], tags: false }], [{ tags: true, startDelay: 'soon' }]])('%j is refused', (options) => {
    expect(() => editRequest(options)).toThrow(/nothing to change|contradict|--start-delay/);
  });
});
