import { HostId } from '@drover/shared/model/id';
import type { Command } from '@drover/shared/protocol/message';
import { describe, expect, it } from 'vitest';
import { createInbound } from './inbound.ts';

const HOST = HostId.parse('host_0123456789');
const NOW_MS = 1_000_000;
const command: Command = {
  v: 1,
  host: HOST,
  counter: 7,
  resource: { kind: 'guest', id: '100', hostId: HOST, generation: 3, spec: { name: 'web' }, deletion: null },
  asOfMs: 0,
  issuedAtMs: NOW_MS,
  expiresAtMs: NOW_MS + 1,
};
const reply = { v: 1, boot: 1, sequence: 2, helloWanted: true, atMs: NOW_MS };
const bytes = (text: string) => new TextEncoder().encode(text);
const signed = (payload: unknown) => bytes(`signed:${JSON.stringify(payload)}`);
const inbound = createInbound({
  hostId: HOST,
  payloadOf: async (text) => (text.startsWith('signed:') ? JSON.parse(text.slice(7)) : null),
  now: () => NOW_MS,
});

describe('a command', () => {
  it('is taken as it was signed', async () => {
    expect(await inbound.command(signed(command))).toEqual({ command });
  });

  it.each([
    ['is not signed', bytes(JSON.stringify(command)), 'not signed by a known key'],
    ['is for another host', signed({ ...command, host: 'host_9876543210' }), 'for another host'],
    [
      'is about a resource of another',
      signed({ ...command, resource: { ...command.resource, hostId: 'host_9876543210' } }),
      'another host',
    ],
    ['has expired', signed({ ...command, expiresAtMs: NOW_MS - 1 }), 'expired'],
    ['is too large', new Uint8Array(128 * 1024 + 1), 'above the limit'],
    ['is for nobody, as a password is', signed({ sub: HOST, aud: 'drover-mqtt', exp: NOW_MS }), 'meant for nobody'],
    ['is not even about a thing', signed({ ...command, resource: 'all' }), 'resource'],
  ])('that %s is refused', async (_what, message, reason) => {
    await expect(inbound.command(message)).rejects.toThrow(reason);
  });

  it.each([
    ['an unknown field', { ...command, dryRun: true }],
    ['an unknown field of its resource', { ...command, resource: { ...command.resource, force: true } }],
    ['an unknown version', { ...command, v: 2 }],
    ['an unknown kind of resource', { ...command, resource: { ...command.resource, kind: 'firewall' } }],
  ])('with %s is refused by name, never obeyed in part', async (_what, said) => {
    expect(await inbound.command(signed(said))).toMatchObject({
      refused: { kind: said.resource.kind, id: '100', generation: 3, problem: { code: 'unsupported' } },
    });
  });
});

describe('a reply', () => {
  it('acknowledges without a signature, but does not count the agent up without one', async () => {
    expect(await inbound.reply(bytes(JSON.stringify(reply)))).toEqual(reply);
    expect(await inbound.reply(bytes(JSON.stringify({ ...reply, lastBoot: 9 })))).not.toHaveProperty('lastBoot');
    const counted = { ...reply, host: HOST, lastBoot: 9, expiresAtMs: NOW_MS + 1 };
    expect(await inbound.reply(signed(counted))).toEqual(counted);
    await expect(inbound.reply(signed({ ...counted, host: 'host_9876543210' }))).rejects.toThrow('for another host');
    await expect(inbound.reply(signed({ ...counted, lastBoot: 2 ** 51 }))).rejects.toThrow();
  });
});
