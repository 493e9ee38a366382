import { HostId } from '@drover/shared/model/id';
import { Command } from '@drover/shared/protocol/message';
import { CompactSign, decodeJwt, decodeProtectedHeader, generateKeyPair } from 'jose';
import type { Signer } from '../../control-plane/src/signer.ts';

const bytesOf = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const base64url = (value: unknown): string => Buffer.from(bytesOf(value)).toString('base64url');
const FOREIGN = HostId.parse('host_00000000000000000000');

/**
 * What nobody may be taken in by, made from a true command: forged, foreign and expired ones, each of which would destroy the
 * guest, and be newer than anything that is to come.
 */
export async function forgeriesOf(jws: string, signer: Signer): Promise<readonly string[]> {
  const command = Command.parse(decodeJwt(jws));
  const { resource } = command;
  const disks = resource.kind === 'guest' && Array.isArray(resource.spec.disks) ? resource.spec.disks : [];
  const evil: Command = {
    ...command,
    counter: command.counter + 1_000_000,
    resource: {
      ...resource,
      generation: resource.generation + 1_000,
      deletion: { requestedAtMs: command.issuedAtMs, destroys: disks.map(({ name }) => String(name)) },
    },
  };
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519' });
  const header = { alg: 'EdDSA', kid: String(decodeProtectedHeader(jws).kid) };
  const [head, , signature] = jws.split('.');
  return [
    // Under the signature of another one.
    `${head}.${base64url(evil)}.${signature}`,
    // Under none.
    `${base64url({ ...header, alg: 'none' })}.${base64url(evil)}.`,
    // Signed by somebody else, in the control plane's name.
    await new CompactSign(bytesOf(evil)).setProtectedHeader(header).sign(privateKey),
    // Truly signed: for another host, about another host's guest, and long ago.
    await signer.sign({ ...evil, host: FOREIGN }),
    await signer.sign({ ...evil, resource: { ...evil.resource, hostId: FOREIGN } }),
    await signer.sign({ ...evil, expiresAtMs: evil.issuedAtMs - 1 }),
  ];
}
