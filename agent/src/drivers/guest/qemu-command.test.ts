import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { GuestSpec, VmSpec } from '@drover/shared/model/guest';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { GuestDefinition } from './driver.ts';
import { seedPath, systemdCredentials, wantsSeed } from './identity.ts';
import { type QemuHost, type QemuPlaces, qemuCommand } from './qemu-command.ts';
import { qemuOption } from './qemu-option.ts';
import { tapName } from './tap.ts';

/** A definition in, a command line out, one argument a line. `npx vitest run --project unit qemu-command -u` writes them anew. */
const GOLDEN = join(import.meta.dirname, '../../../../test/golden/qemu');

const Golden = z.strictObject({
  about: z.string(),
  host: z.strictObject({
    major: z.number(),
    kvm: z.boolean(),
    sandbox: z.boolean(),
    vhostNet: z.boolean(),
    ioUring: z.boolean(),
    uefi: z.strictObject({ codePath: z.string(), varsPath: z.string() }).nullable(),
  }),
  definition: z.strictObject({
    id: z.number(),
    spec: VmSpec,
    places: z.strictObject({
      folder: z.string(),
      disks: z.array(z.strictObject({ name: z.string(), form: z.literal('file'), path: z.string(), format: z.enum(['qcow2', 'raw']) })),
      nics: z.array(z.strictObject({ name: z.string(), mac: z.string(), bridge: z.string() })),
      cdromPath: z.string().nullable(),
    }),
  }),
  direct: z.array(z.string()),
});

const UUID = '11111111-2222-8333-8444-555555555555';

function placesOf(definition: GuestDefinition & { spec: VmSpec }, direct: readonly string[]): QemuPlaces {
  const { id, spec, places } = definition;
  return {
    runFolder: `/run/drover/guests/${id}`,
    uuid: UUID,
    taps: places.nics.map((_nic, index) => tapName('', id, index)),
    direct: new Set(direct),
    credentials: systemdCredentials(spec),
    seedPath: wantsSeed(spec) ? seedPath(places.folder, spec, UUID) : null,
  };
}

const read = (name: string) => Golden.parse(JSON.parse(readFileSync(join(GOLDEN, name), 'utf8')));

describe('the command line of QEMU', () => {
  for (const name of readdirSync(GOLDEN).filter((entry) => entry.endsWith('.json'))) {
    test(`is as kept for ${name}`, async () => {
      const { host, definition, direct } = read(name);
      const argv = qemuCommand(definition, host, placesOf(definition, direct));
      await expect(`${argv.join('\n')}\n`).toMatchFileSnapshot(join(GOLDEN, `${basename(name, '.json')}.txt`));
    });
  }

  const { host, definition } = read('uefi-tcg.json');
  const withSpec = (change: Partial<VmSpec>) => ({ ...definition, spec: { ...definition.spec, ...change } });
  const command = (changed = definition, on: QemuHost = host) => qemuCommand(changed, on, placesOf(changed, []));

  test('never turns locking of a disk off, and asks for it on each that is written', () => {
    const words = command().filter((word) => word.includes('file.filename') && !word.includes('read-only=on'));
    expect(words.every((word) => word.includes('file.locking=on'))).toBe(true);
    expect(command().join(' ')).not.toContain('locking=off');
  });

  test('hides cmpxchg16b from emulated guests of QEMU before 8 only', () => {
    expect(command()).toContain('max,cx16=off');
    expect(command(definition, { ...host, major: 8 })).toContain('max');
    expect(command(definition, { ...host, kvm: true })).toContain('host');
  });

  test('is refused, by field, for what this host cannot do', () => {
    expect(() => command(definition, { ...host, uefi: null })).toThrow(expect.objectContaining({ code: 'unsupported', field: 'firmware' }));
    expect(() => command(withSpec({ cores: 256 }))).toThrow(expect.objectContaining({ code: 'unsupported', field: 'cores' }));
  });

  test('has no word that a name, note, tag or key can break out of', () => {
    const anything = fc.string({ unit: 'grapheme', maxLength: 40 });
    const lengthOf = command(withSpec({ sshKeys: ['ssh-rsa x'] })).length;
    fc.assert(
      fc.property(anything, anything, anything, (notes, comment, path) => {
        const spec = GuestSpec.safeParse({ ...definition.spec, notes, sshKeys: [`ssh-rsa ${comment}`] });
        if (!spec.success || spec.data.type !== 'vm' || /\p{Cc}/u.test(path)) return;
        const disks = [{ name: 'root', form: 'file', path: `/srv/${path}`, format: 'qcow2' }] as const;
        const argv = command({ ...definition, spec: spec.data, places: { ...definition.places, disks: [...disks] } });
        expect(argv.length).toBe(lengthOf);
        const word = argv.find((candidate) => candidate.includes('node-name=disk-root')) ?? '';
        expect(parseOption(word)['file.filename']).toBe(`/srv/${path}`);
      }),
    );
  });
});

describe('an option word of QEMU', () => {
  test("gives back, read by QEMU's rules, exactly the values that went in", () => {
    const value = fc.string({ unit: 'grapheme', maxLength: 30 }).filter((text) => !/\p{Cc}/u.test(text));
    fc.assert(
      fc.property(value, value, (first, second) => {
        expect(parseOption(qemuOption('kind', { first, second }))).toEqual({ '': 'kind', first, second });
      }),
    );
  });

  test('refuses control characters', () => {
    for (const text of ['a\nb', 'a\0b', '\u007f']) expect(() => qemuOption(null, { path: text })).toThrow('control character');
  });
});

/** QEMU's own reading of an option word: a doubled comma is a comma, a single one ends the value. */
function parseOption(word: string): Record<string, string> {
  const members = word.replaceAll(',,', '\0').split(',');
  return Object.fromEntries(
    members.map((member) => {
      const text = member.replaceAll('\0', ',');
      const at = text.indexOf('=');
      return at === -1 ? ['', text] : [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}
