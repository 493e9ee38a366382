import { describe, expect, it } from 'vitest';
import { CreateCell } from './cells.ts';
import { CreateImage } from './requests.ts';

const image = (url: string) =>
  CreateImage.safeParse({
    name: 'mine',
    form: 'vm',
    source: { do: 'download', url, format: 'qcow2', checksum: { sha256: 'a'.repeat(64) } },
  });
const cell = (url: string) => CreateCell.safeParse({ name: 'eu', profile: 'jwt', urls: [url] });

describe('an address that is kept', () => {
  it.each([
    [image, 'https://example.org/mine.qcow2'],
    [cell, 'mqtts://mqtt.example.org:8883'],
  ] as const)('is taken without a password', (parse, url) => {
    expect(parse(url).success).toBe(true);
  });

  it.each([
    [image, 'https://anna:canary@example.org/mine.qcow2', 'source.url'],
    [image, 'https://canary@example.org/mine.qcow2', 'source.url'],
    [cell, 'mqtts://drover:canary@mqtt.example.org:8883', 'urls.0'],
  ] as const)('is refused with one, which is not repeated: %#', (parse, url, field) => {
    const { error } = parse(url);
    expect(error?.issues[0]).toMatchObject({
      path: field.split('.').map((part) => (part === '0' ? 0 : part)),
      message: expect.stringContaining('password'),
    });
    expect(JSON.stringify(error?.issues)).not.toContain('canary');
  });

  it('that is none is refused as such', () => {
    expect(cell('nonsense').error?.issues[0]?.message).toContain('not an address');
  });
});
